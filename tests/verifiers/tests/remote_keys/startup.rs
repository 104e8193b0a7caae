//! Construction: keys that are fetched at once or lazily, and settings that are rejected.

use std::error::Error;

use super::*;

/// The error and all its causes as one text.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn keys_are_fetched_at_start_and_not_per_token() {
    let publisher = Publisher::start().await;
    let serving = publisher.serving().await;
    assert_eq!(publisher.provider.request_count(), 1);
    for _ in 0..5 {
        assert_eq!(serving.bearer(&publisher.token()).await, ada());
    }
    let known = publisher.issuer.signing_key();
    assert_eq!(publisher.provider.request_count(), 1);
    for _ in 0..5 {
        assert_eq!(serving.bearer(&publisher.forged(known.id())).await, rejected(INVALID));
    }
    assert_eq!(
        publisher.provider.request_count(),
        2,
        "the first forged token may be a reused `kid`"
    );
    let [seen, _] = publisher.provider.received().try_into().unwrap();
    assert_eq!(seen.headers["accept"], "application/json");
    assert_eq!(seen.headers.get("accept-encoding"), None, "no compression is requested");
    assert_eq!(seen.headers.get("authorization"), None);
}

#[tokio::test]
async fn lazy_keys_are_fetched_for_the_first_token() {
    let publisher = Publisher::start().await;
    let serving = publisher.serve(publisher.keys().lazy().unwrap()).await;
    assert!(serving.whoami(&[]).await.is_err());
    assert_eq!(publisher.provider.request_count(), 0);
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
    assert_eq!(publisher.provider.request_count(), 1);
}

#[tokio::test]
async fn lazy_keys_are_refreshed_once_they_are_fetched() {
    let publisher = Publisher::start().await;
    let serving = publisher.serve(publisher.keys().lazy().unwrap()).await;
    pass(2 * REFRESH).await;
    publisher.settle().await;
    assert_eq!(publisher.provider.request_count(), 0);
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
    pass(REFRESH).await;
    publisher.provider.wait_for_requests(2).await;
}

#[tokio::test]
async fn token_rejected_without_its_signature_causes_no_fetch() {
    let publisher = Publisher::start().await;
    let serving = publisher.serve(publisher.keys().lazy().unwrap()).await;
    let other = Issuer::with_algorithm("https://evil.example", Algorithm::EdDSA);
    let token = || publisher.issuer.access_token(AUDIENCE);
    for token in [
        "opaque".to_owned(),
        other.access_token(AUDIENCE).sign(),
        publisher.issuer.access_token("https://shop.example").sign(),
        publisher.issuer.plain_jwt(AUDIENCE).sign(),
        token().expired_for(Duration::from_secs(90)).sign(),
        token().header("alg", "none").sign(),
        token().claim("cnf", serde_json::json!({"jkt": "a"})).sign(),
    ] {
        assert!(serving.bearer(&token).await.is_err(), "{token}");
    }
    assert_eq!(publisher.provider.request_count(), 0);
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
}

#[tokio::test]
async fn key_urls_in_a_token_are_never_followed() {
    let publisher = Publisher::start().await;
    let evil = Publisher::start().await;
    let serving = publisher.serving().await;
    pass(COOLDOWN).await;
    let key = evil.issuer.signing_key();
    for name in ["jku", "x5u", "kid"] {
        let url = evil.provider.url(JWKS);
        let header = serde_json::json!({"alg": "EdDSA", "typ": "at+jwt", name: url}).to_string();
        let payload = publisher.issuer.access_token(AUDIENCE).payload();
        assert_eq!(serving.bearer(&key.sign(&header, &payload)).await, rejected(INVALID), "{name}");
    }
    assert_eq!(evil.provider.request_count(), 0);
}

#[tokio::test]
async fn failed_fetch_at_start_reports_its_url_and_its_cause() {
    let mut publisher = Publisher::start().await;
    let http = http().timeout(Duration::from_millis(500)).build().unwrap();
    let url = publisher.provider.url(JWKS);
    for (reply, cause) in faults::replies(&publisher) {
        let name = format!("{reply:.200?}");
        publisher.provider.reply(JWKS, reply);
        let keys = publisher.keys().http_client(http.clone()).connect();
        let error = with_causes(&within(&name, keys).await.expect_err(&name));
        assert!(error.contains(&url) && error.contains(cause), "{name}: {error}");
    }
    publisher.provider.stop().await;
    let error = with_causes(&within("connecting", publisher.keys().connect()).await.unwrap_err());
    assert!(error.contains(&format!("the request to {url} failed")), "{error}");
    assert!(error.contains("refused"), "{error}");
}

#[tokio::test]
async fn url_without_https_is_rejected_before_a_request() {
    let publisher = Publisher::start().await;
    let url = publisher.provider.url(JWKS);
    let error = RemoteKeys::jwks(&url).connect().await.unwrap_err();
    assert_eq!(error.to_string(), format!("{url} isn't https"));
    assert_eq!(publisher.provider.request_count(), 0);

    let loopback = http().build().unwrap();
    for (url, rejected) in [
        ("http://id.example/keys", "http://id.example/keys isn't https"),
        ("http://127.0.0.1.evil.example/keys", "http://127.0.0.1.evil.example/keys isn't https"),
        ("http://localhost@evil.example/keys", "http://evil.example/keys isn't https"),
        ("http://localhost.evil.example/keys", "http://localhost.evil.example/keys isn't https"),
        ("http://[::2]/keys", "http://[::2]/keys isn't https"),
        ("http://0.0.0.0/keys", "http://0.0.0.0/keys isn't https"),
        ("file:///etc/keys", "file:///etc/keys isn't https"),
        ("/keys", "/keys isn't a URL"),
        ("", " isn't a URL"),
    ] {
        for keys in [RemoteKeys::jwks(url), RemoteKeys::discover(url)] {
            let error = keys.http_client(loopback.clone()).lazy().unwrap_err();
            assert_eq!(error.to_string(), rejected);
        }
    }
    for url in ["https://id.example", "http://127.0.0.1:1", "http://[::1]:1", "http://localhost"] {
        assert!(RemoteKeys::jwks(url).http_client(loopback.clone()).lazy().is_ok(), "{url}");
    }
    let anywhere = HttpClient::builder().dangerously_allow_http().build().unwrap();
    let keys = RemoteKeys::jwks("http://id.example/keys").http_client(anywhere.clone());
    assert!(keys.lazy().is_ok());
    assert!(RemoteKeys::jwks("ftp://id.example").http_client(anywhere).lazy().is_err());
}

#[tokio::test]
async fn inconsistent_times_are_rejected() {
    let seconds = Duration::from_secs;
    let keys = || RemoteKeys::jwks("https://id.example/keys");
    for (keys, fit) in [
        (keys(), true),
        (keys().cooldown(seconds(0)), false),
        (keys().cooldown(REFRESH), true),
        (keys().cooldown(REFRESH + seconds(1)), false),
        (keys().refresh_every(seconds(0)), false),
        (keys().refresh_every(MAX_AGE), false),
        (keys().max_age(REFRESH), false),
        (keys().max_age(Duration::MAX), true),
        (keys().refresh_every(Duration::MAX).max_age(Duration::MAX), false),
    ] {
        let name = format!("{keys:?}");
        let error = keys.lazy().err().map(|error| error.to_string());
        let rejected =
            "the times of remote keys must satisfy 0 < cooldown <= refresh_every < max_age";
        assert_eq!(error.as_deref(), (!fit).then_some(rejected), "{name}");
    }
}

#[tokio::test]
async fn refresh_task_ends_with_the_last_handle() {
    let publisher = Publisher::start().await;
    let keys = publisher.keys().connect().await.unwrap();
    let another = keys.clone();
    drop(keys);
    pass(REFRESH).await;
    publisher.provider.wait_for_requests(2).await;
    publisher.settle().await;
    drop(another);
    for _ in 0..5 {
        pass(REFRESH).await;
        publisher.settle().await;
    }
    assert_eq!(publisher.provider.request_count(), 2);
}
