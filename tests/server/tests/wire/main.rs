//! Calls over loopback to running servers: every guard has a call that it refuses and one that it
//! lets in.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of this is tests, and clippy knows only the functions that say so"
)]

#[macro_use]
mod support;

mod browser;
mod crowds;
mod elsewhere;
mod events;
mod faults;
mod front_door;
mod generated;
mod headers;
mod http1;
mod in_process;
mod kinds;
mod language;
mod policy;
mod refusals;
