//! A provider that returns no keys: the known keys stay for a time.

use std::io::Write;

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

use super::*;
use tonic_guard_suite_support::Log;

/// Replies without a usable key set, each with a part of the expected cause.
pub(crate) fn replies(publisher: &Publisher) -> Vec<(Reply, &'static str)> {
    let good = publisher.issuer.jwks();
    let whole = |status: u16, body: &str| {
        let status = StatusCode::from_u16(status).unwrap();
        Reply::Whole(status, Vec::new(), body.to_owned().into())
    };
    let gzipped = |bytes: &[u8]| {
        let header = vec![("content-encoding", "gzip".to_owned())];
        Reply::Whole(StatusCode::OK, header, gzip(bytes))
    };
    let key = publisher.issuer.signing_key().jwk();
    let mut encrypts = key.clone();
    encrypts["use"] = "enc".into();
    let mut private = key;
    private["d"] = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A".into();
    let secret = json!({"kty": "oct", "kid": "key-1", "alg": "HS256", "k": "A".repeat(64)});
    let of = |key: &serde_json::Value| Reply::Json(json!({"keys": [key]}).to_string());
    vec![
        (Reply::status(404), "404"),
        (Reply::status(500), "500"),
        (whole(500, &good), "500"),
        (whole(203, &good), "203"),
        (Reply::redirect(publisher.provider.url("/elsewhere")), "302"),
        (Reply::Endless, "exceeds 512 KiB"),
        (Reply::Json(format!("{good}{}", " ".repeat(512 * 1024))), "exceeds 512 KiB"),
        (Reply::Stalled, "the request to "),
        (Reply::Reset, "the request to "),
        (Reply::Json(String::new()), "isn't a JWK set"),
        (Reply::Json("<html>".into()), "isn't a JWK set"),
        (Reply::Json(good[..good.len() - 1].into()), "isn't a JWK set"),
        (Reply::Json(format!("{good}{good}")), "isn't a JWK set"),
        (Reply::Json(r#"{"keys": {}}"#.into()), "isn't a JWK set"),
        (Reply::Json(r#"{"keys": []}"#.into()), "no key of the set can be used"),
        (Reply::Json(r#"{"keys": [1, null, "a"]}"#.into()), "no key of the set can be used"),
        (of(&encrypts), "no key of the set can be used"),
        (of(&private), "no key of the set can be used"),
        (of(&secret), "no key of the set can be used"),
        // No compression was requested, so nothing is decompressed.
        (gzipped(good.as_bytes()), "isn't a JWK set"),
        (gzipped(&vec![b' '; 8 << 20]), "isn't a JWK set"),
    ]
}

fn gzip(bytes: &[u8]) -> Bytes {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap().into()
}

#[tokio::test]
async fn failing_provider_keeps_the_known_keys() {
    let publisher = Publisher::start().await;
    let http = http().timeout(Duration::from_millis(500)).build().unwrap();
    let keys = publisher.keys().http_client(http).connect().await.unwrap();
    let serving = publisher.serve(keys).await;
    publisher.provider.reply("/elsewhere", Reply::Json(publisher.issuer.jwks()));
    let known = publisher.issuer.signing_key();
    for (reply, _) in replies(&publisher) {
        let name = format!("{reply:.200?}");
        publisher.provider.reply(JWKS, reply);
        pass(COOLDOWN).await;
        let asked = publisher.provider.request_count();
        let unknown = within(&name, serving.bearer(&publisher.forged("unknown"))).await;
        assert_eq!(unknown, rejected(UNAVAILABLE), "can't be decided: {name}");
        assert!(publisher.provider.request_count() > asked, "{name}");
        assert_eq!(serving.bearer(&publisher.token()).await, ada(), "{name}");
        assert_eq!(
            serving.bearer(&publisher.forged(known.id())).await,
            rejected(INVALID),
            "{name}"
        );
    }
    assert!(
        publisher.provider.received().iter().all(|seen| seen.path == JWKS),
        "no redirect is followed"
    );
    publisher.publish_current_keys();
    pass(COOLDOWN).await;
    assert_eq!(serving.bearer(&publisher.forged("unknown")).await, rejected(INVALID));
}

#[tokio::test]
async fn keys_beyond_max_age_are_not_trusted() {
    let publisher = Publisher::start().await;
    let serving = publisher.serving().await;
    let cached = publisher.token();
    assert_eq!(serving.bearer(&cached).await, ada());
    publisher.provider.reply(JWKS, Reply::status(500));
    pass(MAX_AGE - Duration::from_secs(120)).await;
    assert_eq!(serving.bearer(&cached).await, ada());
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
    pass(Duration::from_secs(120)).await;
    for token in [cached.clone(), publisher.token(), publisher.forged("unknown")] {
        assert_eq!(serving.bearer(&token).await, rejected(UNAVAILABLE));
    }
    publisher.publish_current_keys();
    pass(REFRESH).await;
    eventually(&serving, &cached, &ada()).await;
}

#[tokio::test]
async fn known_tokens_are_admitted_while_the_provider_restarts() {
    let mut publisher = Publisher::start().await;
    let serving = publisher.serving().await;
    let known = publisher.issuer.signing_key();
    let cached = publisher.token();
    assert_eq!(serving.bearer(&cached).await, ada());
    publisher.issuer.rotate();
    let rotated = publisher.token();
    publisher.provider.stop().await;
    pass(COOLDOWN).await;
    for _ in 0..3 {
        assert_eq!(within("a new key", serving.bearer(&rotated)).await, rejected(UNAVAILABLE));
        assert_eq!(serving.bearer(&cached).await, ada());
        assert_eq!(serving.bearer(&publisher.forged(known.id())).await, rejected(INVALID));
    }
    publisher.provider.restart().await;
    pass(COOLDOWN).await;
    eventually(&serving, &rotated, &ada()).await;
    assert_eq!(serving.bearer(&cached).await, ada());
}

#[tokio::test]
async fn lazy_keys_are_unavailable_until_the_provider_is_up() {
    let mut publisher = Publisher::start().await;
    publisher.provider.stop().await;
    let serving = publisher.serve(publisher.keys().lazy().unwrap()).await;
    for _ in 0..3 {
        assert_eq!(serving.bearer(&publisher.token()).await, rejected(UNAVAILABLE));
    }
    publisher.provider.restart().await;
    assert_eq!(serving.bearer(&publisher.token()).await, rejected(UNAVAILABLE), "it is too soon");
    assert_eq!(publisher.provider.request_count(), 0);
    pass(COOLDOWN).await;
    eventually(&serving, &publisher.token(), &ada()).await;
    assert_eq!(publisher.provider.request_count(), 1);
}

#[tokio::test]
async fn failing_provider_is_asked_with_backoff() {
    let publisher = Publisher::start().await;
    let _keys = publisher.keys().connect().await.unwrap();
    publisher.provider.reply(JWKS, Reply::status(500));
    let mut asked = 1;
    let mut waits = vec![300, 30, 60, 120, 240, 300, 300];
    // After a success, the waits start over.
    waits.extend([300, 300, 30]);
    for (at, wait) in waits.into_iter().enumerate() {
        match at {
            7 => publisher.publish_current_keys(),
            8 => publisher.provider.reply(JWKS, Reply::status(500)),
            _ => {}
        }
        // Jitter brings a fetch forward by at most a tenth.
        let before = Duration::from_secs(wait / 10 + 5);
        pass(Duration::from_secs(wait) - before).await;
        publisher.settle().await;
        assert_eq!(
            publisher.provider.request_count(),
            asked,
            "too early, the wait {at} of {wait} s"
        );
        pass(before).await;
        asked += 1;
        publisher.provider.wait_for_requests(asked).await;
        publisher.settle().await;
        assert_eq!(publisher.provider.request_count(), asked);
    }
}

#[tokio::test]
async fn each_fetch_is_logged() {
    let publisher = Publisher::start().await;
    let serving = publisher.serve(publisher.keys().lazy().unwrap()).await;
    let (log, mark) = (Log::of_process(), Log::of_process().mark());
    publisher.provider.reply(JWKS, Reply::status(500));
    assert_eq!(serving.bearer(&publisher.token()).await, rejected(UNAVAILABLE));
    let url = publisher.provider.url(JWKS);
    let status = "500 Internal Server Error";
    log.wait_for_line(mark, &["WARN", "keys can't be fetched", status, &url, "trusted=false"])
        .await;
    let reason = "AUTHENTICATOR_UNAVAILABLE";
    log.wait_for_line(mark, &["ERROR", "outcome=\"rejected\"", reason, status, &url]).await;
    publisher.publish_current_keys();
    pass(COOLDOWN).await;
    eventually(&serving, &publisher.token(), &ada()).await;
    log.wait_for_line(mark, &["DEBUG", "keys fetched", &url]).await;
}
