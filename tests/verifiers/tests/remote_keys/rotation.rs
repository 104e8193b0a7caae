//! Keys that the issuer adds, removes and replaces.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tokio::task::JoinSet;

use super::*;

#[tokio::test]
async fn new_key_is_accepted_at_once_or_after_a_cooldown() {
    let publisher = Publisher::start().await;
    let serving = publisher.serving().await;
    let old = publisher.token();
    for fetches in [2, 3] {
        publisher.issuer.rotate();
        assert_eq!(serving.bearer(&publisher.token()).await, ada());
        assert_eq!(publisher.provider.request_count(), fetches);
    }
    publisher.issuer.rotate();
    let new = publisher.token();
    assert_eq!(serving.bearer(&new).await, rejected(INVALID), "the burst of two is spent");
    pass(COOLDOWN).await;
    assert_eq!(serving.bearer(&new).await, ada());
    assert_eq!(serving.bearer(&old).await, ada());
    assert_eq!(publisher.provider.request_count(), 4);
}

#[tokio::test]
async fn new_key_is_known_before_its_first_token() {
    let publisher = Publisher::start().await;
    let serving = publisher.serving().await;
    publisher.issuer.rotate();
    pass(REFRESH).await;
    publisher.provider.wait_for_requests(2).await;
    publisher.settle().await;
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
    assert_eq!(publisher.provider.request_count(), 2);
}

#[tokio::test]
async fn removed_key_and_its_cached_tokens_are_rejected() {
    let publisher = Publisher::start().await;
    let serving = publisher.serving().await;
    let (cached, fresh) = (publisher.token(), publisher.token());
    assert_eq!(serving.bearer(&cached).await, ada());
    publisher.issuer.rotate();
    publisher.issuer.forget_older_keys();
    assert_eq!(serving.bearer(&cached).await, ada(), "the keys haven't been fetched again");
    // Without a call, a background task fetches them.
    pass(REFRESH).await;
    publisher.provider.wait_for_requests(2).await;
    eventually(&serving, &cached, &rejected(INVALID)).await;
    assert_eq!(serving.bearer(&fresh).await, rejected(INVALID));
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
    // At start, on schedule, and for each of the two tokens, whose key id is unknown by now.
    assert_eq!(publisher.provider.request_count(), 4);
}

#[test]
fn removed_key_is_rejected_if_the_fetching_runtime_is_dropped_or_idle() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for dropped in [true, false] {
        let mut here = tokio::runtime::Builder::new_multi_thread();
        let here = here.worker_threads(1).enable_all().build().unwrap();
        let publisher = here.block_on(Publisher::start());
        let keys = publisher.keys().cooldown(Duration::from_millis(50));
        let keys = keys.refresh_every(Duration::from_millis(200));
        let keys = keys.http_client(http().timeout(Duration::from_millis(500)).build().unwrap());
        let mut fetching_runtime = Some(runtime());
        let keys = fetching_runtime.as_ref().unwrap().block_on(keys.connect()).unwrap();
        if dropped {
            fetching_runtime = None;
        }
        here.block_on(async {
            let serving = publisher.serve(keys).await;
            let removed = publisher.token();
            assert_eq!(serving.bearer(&removed).await, ada());
            publisher.issuer.rotate();
            publisher.issuer.forget_older_keys();
            eventually(&serving, &removed, &rejected(INVALID)).await;
            assert_eq!(serving.bearer(&publisher.token()).await, ada());
        });
        drop(fetching_runtime);
    }
}

#[tokio::test]
async fn fetch_for_an_unknown_key_removes_keys() {
    let publisher = Publisher::start().await;
    let first = publisher.token();
    publisher.issuer.rotate();
    let serving = publisher.serving().await;
    assert_eq!(serving.bearer(&first).await, ada());
    publisher.issuer.forget_older_keys();
    pass(COOLDOWN).await;
    assert_eq!(serving.bearer(&publisher.forged("unknown")).await, rejected(INVALID));
    assert_eq!(serving.bearer(&first).await, rejected(INVALID));
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
}

#[tokio::test]
async fn replaced_key_with_the_same_id_is_another_key() {
    let publisher = Publisher::start().await;
    let serving = publisher.serving().await;
    let old = publisher.token();
    assert_eq!(serving.bearer(&old).await, ada());
    let id = publisher.issuer.signing_key().id().to_owned();
    let other = SigningKey::generate(&id, Algorithm::EdDSA);
    publisher.provider.reply(JWKS, Reply::Json(json!({"keys": [other.jwk()]}).to_string()));
    pass(REFRESH).await;
    eventually(&serving, &old, &rejected(INVALID)).await;
    assert_eq!(serving.bearer(&publisher.token()).await, rejected(INVALID));
    assert_eq!(serving.bearer(&publisher.signed_by(&other, Some(&id))).await, ada());
}

#[tokio::test]
async fn unusable_keys_beside_a_good_one_are_ignored() {
    let publisher = Publisher::start().await;
    let secret = [7; 32];
    let oct = json!({
        "kty": "oct", "kid": "secret", "alg": "HS256",
        "k": base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, secret),
    });
    let encrypts = SigningKey::generate("encrypts", Algorithm::EdDSA);
    let mut jwk = encrypts.jwk();
    jwk["use"] = "enc".into();
    let keys = json!({"keys": [oct, jwk, publisher.issuer.signing_key().jwk()]});
    publisher.provider.reply(JWKS, Reply::Json(keys.to_string()));
    let serving = publisher.serving().await;
    let payload = publisher.issuer.access_token(AUDIENCE).payload();
    for header in [
        r#"{"alg": "HS256", "typ": "at+jwt", "kid": "secret"}"#,
        r#"{"alg": "HS256", "typ": "at+jwt"}"#,
    ] {
        let token = tonic_guard_test::sign_hs256(&secret, header, &payload);
        assert_eq!(serving.bearer(&token).await, rejected(INVALID), "{header}");
    }
    for kid in [None, Some("encrypts")] {
        let token = publisher.signed_by(&encrypts, kid);
        assert_eq!(serving.bearer(&token).await, rejected(INVALID), "{kid:?}");
    }
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_succeed_while_keys_rotate() {
    let publisher = Arc::new(Publisher::start().await);
    // Real time, with a cooldown that a test can wait out.
    let keys = publisher.keys().cooldown(Duration::from_millis(50));
    let keys = keys.refresh_every(Duration::from_millis(200)).connect().await.unwrap();
    let serving = Arc::new(publisher.serve(keys).await);
    let first = publisher.token();
    let ended = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    for at in 0..8 {
        let (serving, publisher) = (Arc::clone(&serving), Arc::clone(&publisher));
        let (first, ended) = (first.clone(), Arc::clone(&ended));
        callers.spawn(async move {
            let mut calls = 0;
            while calls == 0 || !ended.load(Ordering::SeqCst) {
                // The first key stays published: its tokens are always admitted, and forged ones
                // never.
                assert_eq!(serving.bearer(&first).await, ada());
                let forged = publisher.forged(&format!("unknown-{at}"));
                assert_eq!(serving.bearer(&forged).await, rejected(INVALID));
                calls += 1;
            }
            calls
        });
    }
    for _ in 0..10 {
        publisher.issuer.rotate();
        // The newest key works once a fetch is allowed again.
        eventually(&serving, &publisher.token(), &ada()).await;
    }
    ended.store(true, Ordering::SeqCst);
    while let Some(calls) = within("the callers", callers.join_next()).await {
        assert!(calls.unwrap() > 0);
    }
}
