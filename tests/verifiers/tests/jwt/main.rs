//! Signed tokens on the wire: the tokens that are admitted, and above all those that are rejected.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy knows tests by their attribute, and not the functions beside them"
)]

mod algorithms;
mod cache;
mod causes;
mod claims;
mod encoding;
mod header;
mod keycloak;
mod keys;
mod other_header;
mod properties;
mod providers;
mod reason;
mod signature;
mod small_rsa;
mod support;
mod token_types;
