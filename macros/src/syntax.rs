//! Helpers over tokens and syntax trees that know nothing of policies.

pub(crate) mod hygiene;
pub(crate) mod invisible_groups;
pub(crate) mod text;
