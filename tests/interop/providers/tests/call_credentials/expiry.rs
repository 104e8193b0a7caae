//! The sequence of a token's expiry with a server in Rust: no token, a token, an expired token, and
//! a new token with which the rejected call succeeds.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::process::Command;
use tonic_guard::{
    client::{CallCredentials, CallOptions, oauth::ClientCredentials},
    http_client::HttpClient,
};
use tonic_guard_client_tests::Guarded;
use tonic_guard_interop_providers::{node, python, ready};
use tonic_guard_suite_support::provider::{Provider, Reply};
use tonic_guard_suite_support::{reason, within};

use crate::{note, task};

const LIFE: Duration = Duration::from_secs(1);

/// A guarded server, and a token endpoint whose tokens live one second.
async fn start() -> (Guarded, Provider) {
    let (server, provider) = (Guarded::start().await, Provider::start().await);
    let issuer = Arc::clone(&server.issuer);
    provider.reply_by("/token", move |_| {
        let token = issuer.issue_for(Some(LIFE));
        let answer = json!({ "access_token": token, "token_type": "Bearer", "expires_in": 1 });
        Reply::Json(answer.to_string())
    });
    (server, provider)
}

#[tokio::test]
async fn rust_client_renews_its_token_before_it_expires() {
    let (server, provider) = start().await;
    let http = HttpClient::builder().allow_http_on_loopback().build().unwrap();
    let source = ClientCredentials::new(http, &provider.url("/token"), "orders", "s3cret").unwrap();
    let mut client = server.client(&CallCredentials::bearer(source));

    let mut request = tonic::Request::new(note("without a token"));
    request.extensions_mut().insert(CallOptions::new().without_credentials());
    let status = client.unary(request).await.unwrap_err();
    assert_eq!(reason(&status), "CREDENTIALS_MISSING");

    let answer = within("the call", client.unary(note("with a token"))).await.unwrap();
    assert_eq!(answer.into_inner().text, "with a token");
    tokio::time::sleep(LIFE + Duration::from_millis(100)).await;
    let answer = within("the call", client.unary(note("after it expired"))).await.unwrap();
    assert_eq!(answer.into_inner().text, "after it expired");
    // The source reported its expiry, so an expired token was never sent.
    assert_eq!((server.attempts.count(), provider.request_count()), (3, 2));
}

async fn assert_sequence(client: Command) {
    let (server, provider) = start().await;
    let address = server.running().addr().to_string();
    let task = task(json!({ "address": address, "token_url": provider.url("/token") }));
    let (_child, steps) = ready(client, &task).await;
    let expected: Value = json!([
        { "code": 16, "reason": "CREDENTIALS_MISSING" },
        { "text": "with a token" },
        { "code": 16, "reason": "ACCESS_TOKEN_EXPIRED" },
        { "text": "after it expired" },
    ]);
    assert_eq!(steps, expected);
    assert_eq!(server.attempts.tokens(), ["Bearer token-1", "Bearer token-1", "Bearer token-2"]);
}

#[tokio::test]
async fn node_client_refreshes_and_retries() {
    assert_sequence(node("refreshing_client.mjs").await).await;
}

#[tokio::test]
async fn python_client_refreshes_and_retries() {
    assert_sequence(python("refreshing_client.py").await).await;
}
