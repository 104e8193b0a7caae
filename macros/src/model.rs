//! The validated meaning of an attribute, and the rules that it keeps.

pub(crate) mod policy;
pub(crate) mod rules;
