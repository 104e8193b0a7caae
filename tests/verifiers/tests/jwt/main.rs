//! Signed tokens on the wire: who gets in, and above all who doesn't.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy knows tests by their attribute, and not the functions beside them"
)]

mod algorithms;
mod cache;
mod claims;
mod header;
mod keys;
mod profiles;
mod properties;
mod reason;
mod shape;
mod signature;
mod small_rsa;
mod support;
