//! gRPC's story of UNAUTHENTICATED with a server in Rust: no token, a token, an expired token, a new one, and the
//! call that was refused answers.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::process::Command;
use tonic_guard::{
    client::{CallCredentials, CallOptions, oauth::ClientCredentials},
    http_client::HttpClient,
};
use tonic_guard_client_tests::Guarded;
use tonic_guard_interop_providers::{node, python, ready};
use tonic_guard_tests::provider::{Provider, Reply};
use tonic_guard_tests::{reason, within};

use crate::{note, task};

const LIFE: Duration = Duration::from_secs(1);

/// A guarded server, and a token endpoint whose tokens live a second.
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
async fn a_client_in_rust_notices_nothing() {
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
    // Its source said when it ends, so that it was never sent in vain.
    assert_eq!((server.attempts.count(), provider.request_count()), (3, 2));
}

async fn tells_the_story(client: Command) {
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
async fn a_client_in_node_refreshes_and_tries_again() {
    tells_the_story(node("refreshing_client.mjs").await).await;
}

#[tokio::test]
async fn a_client_in_python_refreshes_and_tries_again() {
    tells_the_story(python("refreshing_client.py").await).await;
}
