//! Helpers for tokens and syntax trees, independent of policies.

pub(crate) mod hygiene;
pub(crate) mod invisible_groups;
pub(crate) mod names;
pub(crate) mod text;
