//! Calls over loopback to running servers: every guard has a call that it rejects and one that it
//! admits.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of this is tests, and clippy recognises tests only by their attribute"
)]

#[macro_use]
mod support;

mod attribute;
mod browser;
mod concurrency;
mod events;
mod faults;
mod generated;
mod guard;
mod headers;
mod http1;
mod in_process;
mod once_per_call;
mod policy;
mod rejections;
mod rpc_kinds;
mod separate_module;
