//! The policies that attributes declare, and the rules that the attributes must follow.

pub(crate) mod argument_rules;
pub(crate) mod content_key;
pub(crate) mod impl_default;
pub(crate) mod method_policy;
pub(crate) mod policy;
pub(crate) mod rules;
