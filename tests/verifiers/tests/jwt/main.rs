//! Signed tokens on the wire: who gets in, and above all who doesn't.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy knows tests by their attribute, and not the functions beside them"
)]
