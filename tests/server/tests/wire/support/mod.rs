//! Helpers of the wire tests.

pub(crate) mod frames;
pub(crate) mod layers;
pub(crate) mod raw;
#[macro_use]
pub(crate) mod service;
