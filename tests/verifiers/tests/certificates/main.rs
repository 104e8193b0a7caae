//! Client certificates over TLS: the callers that are admitted, and above all those that are
//! rejected.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy knows tests by their attribute, and not the functions beside them"
)]

mod combinations;
mod names;
mod not_grpc;
mod parsers;
mod spiffe;
mod support;
mod trust;
mod validity;
