//! Tokens from a token endpoint.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use http::StatusCode;
use serde_json::json;
use tonic::{Code, Status};
use tonic_guard::{
    client::{
        CallCredentials, CallErrorKind, TokenSource,
        oauth::{ClientCredentials, RefreshToken},
    },
    http_client::HttpClient,
};
use tonic_guard_client_tests::{Guarded, Issuer};
use tonic_guard_suite_support::{
    provider::{Provider, Reply},
    within,
};

use crate::{causes, kind, note};

fn http() -> HttpClient {
    let client = HttpClient::builder().allow_http_on_loopback();
    client.timeout(Duration::from_millis(500)).build().unwrap()
}

fn client_credentials(provider: &Provider) -> ClientCredentials {
    ClientCredentials::new(http(), &provider.url("/token"), "orders", "s3cret").unwrap()
}

/// The answer of a token endpoint (RFC 6749, section 5.1).
fn issued(issuer: &Issuer) -> serde_json::Value {
    json!({ "access_token": issuer.issue(), "token_type": "Bearer", "expires_in": 3600 })
}

/// A guarded server, and a token endpoint that issues a new token at each request.
async fn start() -> (Guarded, Provider) {
    let (server, provider) = (Guarded::start().await, Provider::start().await);
    let issuer = Arc::clone(&server.issuer);
    provider.reply_by("/token", move |_| Reply::Json(issued(&issuer).to_string()));
    (server, provider)
}

/// Otherwise the response, and the refresh token in it, would be lost.
#[tokio::test]
async fn deadline_is_longer_than_the_http_clients_timeout() {
    let provider = Provider::start().await;
    let limit = Duration::from_secs(30);
    let http = HttpClient::builder().allow_http_on_loopback().timeout(limit).build().unwrap();
    let url = provider.url("/token");
    let client_credentials_source =
        ClientCredentials::new(http.clone(), &url, "orders", "s3cret").unwrap();
    let refreshed = RefreshToken::new(http, &url, "orders-cli", "r-1").unwrap();
    assert!(client_credentials_source.deadline() > limit && refreshed.deadline() > limit);
}

#[tokio::test]
async fn client_credentials_are_exchanged_again_if_the_token_is_rejected() {
    let (server, provider) = start().await;
    let source = client_credentials(&provider)
        .scope("orders:read")
        .scope("orders:write")
        .resource("https://orders.example");
    let mut client = server.client(&CallCredentials::bearer(source));
    for _ in 0..3 {
        client.unary(note("a")).await.unwrap();
    }
    assert_eq!(provider.request_count(), 1);
    server.issuer.revoke_all();
    client.unary(note("b")).await.unwrap();
    assert_eq!(provider.request_count(), 2);

    let seen = &provider.received()[0];
    assert_eq!(seen.headers["authorization"], "Basic b3JkZXJzOnMzY3JldA==");
    for (name, value) in [
        ("grant_type", "client_credentials"),
        ("scope", "orders:read orders:write"),
        ("resource", "https://orders.example"),
    ] {
        assert_eq!(seen.form.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(!seen.form.contains_key("client_secret"));
}

#[tokio::test]
async fn secret_is_sent_in_the_body_if_configured() {
    let (server, provider) = start().await;
    let source = client_credentials(&provider).secret_in_body();
    server.client(&CallCredentials::bearer(source)).unary(note("a")).await.unwrap();
    let seen = &provider.received()[0];
    assert!(!seen.headers.contains_key("authorization"));
    assert_eq!(
        (seen.form["client_id"].as_str(), seen.form["client_secret"].as_str()),
        ("orders", "s3cret")
    );
}

#[tokio::test]
async fn token_without_expires_in_is_used_until_it_is_rejected() {
    let (server, provider) = (Guarded::start().await, Provider::start().await);
    let issuer = Arc::clone(&server.issuer);
    provider.reply_by("/token", move |_| {
        Reply::Json(json!({ "access_token": issuer.issue(), "token_type": "bearer" }).to_string())
    });
    let mut client = server.client(&CallCredentials::bearer(client_credentials(&provider)));
    for _ in 0..3 {
        client.unary(note("a")).await.unwrap();
    }
    assert_eq!(provider.request_count(), 1);
    server.issuer.revoke_all();
    client.unary(note("b")).await.unwrap();
    assert_eq!((provider.request_count(), server.attempts.count()), (2, 5));
}

/// The outcome of a call whose token endpoint responds with `reply`.
async fn outcome(reply: Reply) -> (Status, Guarded, Provider) {
    let (server, provider) = (Guarded::start().await, Provider::start().await);
    provider.reply("/token", reply);
    let mut client = server.client(&CallCredentials::bearer(client_credentials(&provider)));
    let status = within("the call", client.unary(note("a"))).await.unwrap_err();
    assert_eq!(kind(&status), Some(CallErrorKind::NoToken), "{status:?}");
    assert_eq!(server.attempts.count(), 0, "nothing was sent");
    let text = format!("{status} {status:?}");
    assert!(!text.contains("s3cret") && !text.contains("leaked"), "{text}");
    (status, server, provider)
}

#[tokio::test]
async fn failing_endpoint_is_unavailable() {
    for reply in [
        Reply::status(500),
        Reply::status(503),
        Reply::status(429),
        Reply::Stalled,
        Reply::Endless,
        Reply::Reset,
    ] {
        let (status, ..) = outcome(reply.clone()).await;
        assert_eq!(status.code(), Code::Unavailable, "{reply:?}: {status:?}");
    }
}

#[tokio::test]
async fn endpoint_that_is_down_is_unavailable() {
    let (server, mut provider) = start().await;
    let source = client_credentials(&provider);
    provider.stop().await;
    let mut client = server.client(&CallCredentials::bearer(source));
    let status = within("the call", client.unary(note("a"))).await.unwrap_err();
    assert_eq!((status.code(), kind(&status)), (Code::Unavailable, Some(CallErrorKind::NoToken)));
}

#[tokio::test]
async fn response_without_a_token_is_unauthenticated() {
    let json = |status: u16, body: &str| {
        let headers = vec![("content-type", "application/json".to_owned())];
        let status = StatusCode::from_u16(status).unwrap();
        Reply::Whole(status, headers, body.to_owned().into())
    };
    for (reply, text) in [
        (json(400, r#"{"error":"invalid_scope","error_description":"leaked"}"#), "invalid_scope"),
        (json(401, r#"{"error":"invalid_client"}"#), "invalid_client"),
        (json(400, r#"{"error":"leaked\u001b[2J and more"}"#), "an unknown error"),
        (json(400, "leaked"), "isn't an OAuth response"),
        (json(404, ""), "isn't an OAuth response"),
        (json(200, ""), "isn't an OAuth response"),
        (json(200, "leaked"), "isn't an OAuth response"),
        (json(200, r#"{"access_token":"leaked"}"#), "isn't an OAuth response"),
        (json(200, r#"{"token_type":"Bearer"}"#), "isn't an OAuth response"),
        (
            json(200, r#"{"access_token":["leaked"],"token_type":"Bearer"}"#),
            "isn't an OAuth response",
        ),
        (json(200, r#"{"access_token":"leaked","token_type":"mac"}"#), "isn't a bearer token"),
        (json(200, r#"{"access_token":"leaked","token_type":"DPoP"}"#), "isn't a bearer token"),
        (json(200, r#"{"access_token":"a b","token_type":"Bearer"}"#), "its header can't hold"),
        (json(200, r#"{"access_token":"","token_type":"Bearer"}"#), "its header can't hold"),
        (
            json(200, r#"{"access_token":"leaked","token_type":"Bearer","expires_in":0}"#),
            "already expired",
        ),
    ] {
        let (status, ..) = outcome(reply.clone()).await;
        assert_eq!(status.code(), Code::Unauthenticated, "{reply:?}: {status:?}");
        assert!(causes(&status).contains(text), "{reply:?}: {status:?}");
    }
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let (status, _, provider) = outcome(Reply::redirect("/plaintext".into())).await;
    assert_eq!(status.code(), Code::Unauthenticated);
    assert!(causes(&status).contains("isn't followed"), "{status:?}");
    assert_eq!(provider.request_count(), 1);
}

#[tokio::test]
async fn plaintext_token_endpoint_is_rejected() {
    let strict = HttpClient::new().unwrap();
    for url in
        ["http://issuer.example/token", "http://127.0.0.1/token", "ftp://issuer.example", "x"]
    {
        ClientCredentials::new(strict.clone(), url, "orders", "s3cret").unwrap_err();
        RefreshToken::new(strict.clone(), url, "orders", "r-1").unwrap_err();
    }
    let url = "https://issuer.example/token";
    ClientCredentials::new(strict.clone(), url, "orders", "s3cret").unwrap();
    let plaintext = "http://issuer.example/token";
    ClientCredentials::new(http(), plaintext, "orders", "s3cret").unwrap_err();
}

#[tokio::test]
async fn rotated_refresh_token_is_used_next() {
    let (server, provider) = (Guarded::start().await, Provider::start().await);
    let issuer = Arc::clone(&server.issuer);
    let good = Mutex::new(1);
    // Each refresh token is good once.
    provider.reply_by("/token", move |seen| {
        let mut number = good.lock().unwrap();
        if seen.form.get("refresh_token") != Some(&format!("r-{number}")) {
            let headers = vec![("content-type", "application/json".to_owned())];
            let body = r#"{"error":"invalid_grant"}"#.into();
            return Reply::Whole(StatusCode::BAD_REQUEST, headers, body);
        }
        *number += 1;
        let mut answer = issued(&issuer);
        answer["refresh_token"] = format!("r-{number}").into();
        Reply::Json(answer.to_string())
    });
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&kept);
    let source = RefreshToken::new(http(), &provider.url("/token"), "orders-cli", "r-1")
        .unwrap()
        .client_secret("s3cret")
        .on_rotation(move |next| keep.lock().unwrap().push(next.to_owned()));
    let credentials = CallCredentials::bearer(source).refresh_cooldown(Duration::ZERO);
    let mut client = server.client(&credentials);
    for _ in 0..3 {
        client.unary(note("a")).await.unwrap();
        server.issuer.revoke_all();
    }
    assert_eq!(*kept.lock().unwrap(), ["r-2", "r-3", "r-4"]);
    assert_eq!(provider.received()[0].form["grant_type"], "refresh_token");

    // A refresh token that was used elsewhere is reported as such.
    let spent = RefreshToken::new(http(), &provider.url("/token"), "orders-cli", "r-1").unwrap();
    let status = server.client(&CallCredentials::bearer(spent)).unary(note("a")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert!(causes(&status).contains("invalid_grant"), "{status:?}");
}

#[tokio::test]
async fn debug_of_a_source_hides_its_secrets() {
    let provider = Provider::start().await;
    let credentials = client_credentials(&provider).parameter("audience", "s3cret");
    let refresh = RefreshToken::new(http(), &provider.url("/token"), "orders", "s3cret").unwrap();
    let printed = format!("{credentials:?} {refresh:?}");
    assert!(printed.contains("/token") && !printed.contains("s3cret"), "{printed}");
}
