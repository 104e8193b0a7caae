//! Keys that are requested with a bearer token.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tonic_guard::client::{Token, TokenSourceError, token_fn};

use super::*;

/// Publishes a discovery document that refers to keys at `keys`.
fn discovery(publisher: &Publisher, keys: &str) {
    let document = json!({"issuer": publisher.issuer.identifier(), "jwks_uri": keys});
    publisher.provider.reply(OPENID, Reply::Json(document.to_string()));
}

/// The last cause of an error, as text.
fn causes(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), causes)
}

fn authorizations(provider: &Provider) -> Vec<(String, Option<String>)> {
    let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
    let received = provider.received();
    received
        .iter()
        .map(|seen| (seen.path.clone(), seen.headers.get("authorization").map(text)))
        .collect()
}

#[tokio::test]
async fn listed_origin_receives_the_current_token() {
    let publisher = Publisher::start().await;
    discovery(&publisher, &publisher.provider.url(JWKS));
    let number = AtomicUsize::new(0);
    let source = token_fn(move || {
        let number = number.fetch_add(1, Ordering::SeqCst);
        async move { Ok(Token::new(format!("token-{number}"))) }
    });
    let keys = RemoteKeys::discover(publisher.issuer.identifier());
    let keys = keys.http_client(http().build().unwrap());
    let keys = keys.bearer(source, [publisher.provider.url("")]).connect().await.unwrap();
    let serving = publisher.serve(keys).await;
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
    let expected = [(OPENID, "Bearer token-0"), (JWKS, "Bearer token-1")];
    let expected = expected.map(|(path, token)| (path.to_owned(), Some(token.to_owned())));
    assert_eq!(authorizations(&publisher.provider), expected);
}

#[tokio::test]
async fn origin_that_is_not_listed_receives_no_token() {
    let (publisher, elsewhere) = (Publisher::start().await, Provider::start().await);
    elsewhere.reply(JWKS, Reply::Json(publisher.issuer.jwks()));
    discovery(&publisher, &elsewhere.url(JWKS));
    let here = publisher.provider.url("");
    let connect = |origin: &str| {
        let keys = RemoteKeys::discover(publisher.issuer.identifier());
        let keys = keys.http_client(http().build().unwrap());
        keys.bearer(Token::new("s3cret"), [origin.to_owned()]).connect()
    };
    connect(&here).await.unwrap();
    assert_eq!(authorizations(&elsewhere), [(JWKS.to_owned(), None)], "another port");
    let bearer = Some("Bearer s3cret".to_owned());
    assert_eq!(authorizations(&publisher.provider), [(OPENID.to_owned(), bearer)]);
    // Another name of the same host is another origin.
    connect(&here.replace("127.0.0.1", "localhost")).await.unwrap();
    assert_eq!(authorizations(&publisher.provider)[1], (OPENID.to_owned(), None));
}

#[tokio::test]
async fn redirect_does_not_carry_the_token_elsewhere() {
    let (publisher, elsewhere) = (Publisher::start().await, Provider::start().await);
    publisher.provider.reply(JWKS, Reply::redirect(elsewhere.url(JWKS)));
    let keys = publisher.keys().bearer(Token::new("s3cret"), [publisher.provider.url("")]);
    keys.connect().await.unwrap_err();
    assert_eq!(elsewhere.request_count(), 0);
}

#[tokio::test]
async fn keys_are_not_requested_without_the_token() {
    let publisher = Publisher::start().await;
    let origin = || [publisher.provider.url("")];
    let failing = token_fn(|| async { Err(TokenSourceError::unreachable("no file")) });
    let error = publisher.keys().bearer(failing, origin()).connect().await.unwrap_err();
    assert!(causes(&error).ends_with("no file"), "{error}");
    for unusable in ["", "two words", "two\nlines"] {
        let keys = publisher.keys().bearer(Token::new(unusable), origin());
        let error = keys.connect().await.unwrap_err();
        assert!(causes(&error).contains("it isn't"), "{}", causes(&error));
    }
    assert_eq!(publisher.provider.request_count(), 0);
}

#[tokio::test]
async fn invalid_origins_are_rejected_at_start() {
    let publisher = Publisher::start().await;
    let good = publisher.provider.url("");
    for bad in [
        format!("{good}/keys"),
        format!("{good}/?a"),
        "http://id.example".into(),
        "http://user:pa55@127.0.0.1".into(),
        "id.example".into(),
        String::new(),
    ] {
        let keys = publisher.keys().bearer(Token::new("s3cret"), [good.clone(), bad.clone()]);
        assert!(!format!("{keys:?}").contains("s3cret"));
        assert!(keys.lazy().is_err(), "{bad}");
    }
    let none: [String; 0] = [];
    assert!(publisher.keys().bearer(Token::new("s3cret"), none).lazy().is_err());
}
