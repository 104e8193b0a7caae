//! Reporting errors, and compiling as much as possible beside them.

pub(crate) mod errors;
pub(crate) mod fallback;
pub(crate) mod forgotten_identity;
