//! Call credentials with other implementations: a provider's tokens, servers that reject in their
//! own way, and clients in other languages.
//!
//! `cargo test -p tonic-guard-interop-providers` installs what it needs below the target directory: Node 20,
//! Python 3.10 with pip.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy knows tests by their attribute, and not the functions beside them"
)]

mod expiry;
mod provider;
mod rejecting_servers;

use serde_json::{Value, json};
use tonic_guard_interop_providers::here;
use tonic_guard_suite_support::pb::Note;

fn note(text: &str) -> Note {
    Note { text: text.into(), payload: Vec::new() }
}

/// The script's task: the directories of the protos, and `more`.
fn task(mut more: Value) -> Value {
    more["include"] = json!([here("../../support/proto"), here("../clients/proto")]);
    more
}
