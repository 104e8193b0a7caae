//! What the attributes on an impl or a method declare, and the rules that they must follow.

pub(crate) mod argument_rules;
pub(crate) mod impl_default;
pub(crate) mod method_policy;
pub(crate) mod policy;
pub(crate) mod rules;
