//! What the wire tests share.

pub(crate) mod frames;
pub(crate) mod layers;
pub(crate) mod raw;
#[macro_use]
pub(crate) mod service;
