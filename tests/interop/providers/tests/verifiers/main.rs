//! Verifiers with npm's `oidc-provider`: its keys and tokens, and calls while it rotates the keys,
//! revokes the tokens or is down.
//!
//! `cargo test -p tonic-guard-interop-providers` installs what it needs below the target directory: Node 20.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy knows tests by their attribute, and not the functions beside them"
)]

mod opaque;
mod signed;

use std::{sync::Arc, time::Duration};

use tonic_guard::http_client::HttpClient;
use tonic_guard_interop_providers::{OidcProvider, Settings};
use tonic_guard_suite_support::within;
use tonic_guard_verifier_tests::Serving;

const AUDIENCE: &str = "https://accounts.example";
const UNAVAILABLE: &str = "Unavailable AUTHENTICATOR_UNAVAILABLE";

/// The provider is on loopback, and a busy machine answers late.
fn http() -> HttpClient {
    let http = HttpClient::builder().allow_http_on_loopback();
    http.timeout(Duration::from_secs(20)).build().unwrap()
}

fn orders() -> Result<String, String> {
    Ok("orders".into())
}

fn rejected(rejection: &str) -> Result<String, String> {
    Err(rejection.into())
}

/// Calls with `token` until the call has this outcome.
async fn eventually(serving: &Serving, token: &str, outcome: &Result<String, String>) {
    let eventually = async {
        loop {
            let now = serving.bearer(token).await;
            if now == *outcome {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within(&format!("{outcome:?}"), eventually).await;
}
