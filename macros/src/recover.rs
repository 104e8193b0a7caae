//! Collecting errors, and the item that is emitted beside them.

pub(crate) mod errors;
pub(crate) mod fallback;
