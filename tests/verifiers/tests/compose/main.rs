//! Verifiers composed of verifiers, on the wire: the one that is called, and that no other is.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy knows tests by their attribute, and not the functions beside them"
)]

mod boxed;
mod by_issuer;
mod by_token_format;
mod map;
mod support;
