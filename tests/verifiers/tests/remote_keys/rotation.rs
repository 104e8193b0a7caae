//! Keys that come and keys that go.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tokio::task::JoinSet;

use super::*;

#[tokio::test]
async fn a_new_key_works_within_a_cooldown() {
    let publisher = Publisher::start().await;
    let serving = publisher.serving().await;
    let old = publisher.token();
    publisher.issuer.rotate();
    let new = publisher.token();
    assert_eq!(serving.bearer(&new).await, told(INVALID), "the keys have just been fetched");
    pass(COOLDOWN).await;
    assert_eq!(serving.bearer(&new).await, ada());
    assert_eq!(serving.bearer(&old).await, ada());
    assert_eq!(publisher.provider.request_count(), 2);
}

#[tokio::test]
async fn a_new_key_is_known_before_its_first_token_comes() {
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
async fn a_removed_key_stops_being_trusted_and_so_do_its_tokens_in_the_cache() {
    let publisher = Publisher::start().await;
    let serving = publisher.serving().await;
    let (cached, fresh) = (publisher.token(), publisher.token());
    assert_eq!(serving.bearer(&cached).await, ada());
    publisher.issuer.rotate();
    publisher.issuer.forget_older_keys();
    assert_eq!(serving.bearer(&cached).await, ada(), "nobody has asked yet");
    // Nobody calls: a task fetches them.
    pass(REFRESH).await;
    publisher.provider.wait_for_requests(2).await;
    becomes(&serving, &cached, &told(INVALID)).await;
    assert_eq!(serving.bearer(&fresh).await, told(INVALID));
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
    assert_eq!(publisher.provider.request_count(), 2);
}

#[test]
fn a_removed_key_stops_being_trusted_when_the_runtime_that_fetched_it_is_gone_or_isnt_run() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for gone in [true, false] {
        let mut here = tokio::runtime::Builder::new_multi_thread();
        let here = here.worker_threads(1).enable_all().build().unwrap();
        let publisher = here.block_on(Publisher::start());
        let keys = publisher.keys().cooldown(Duration::from_millis(50));
        let keys = keys.refresh_every(Duration::from_millis(200));
        let keys = keys.http_client(http().timeout(Duration::from_millis(500)).build().unwrap());
        let mut elsewhere = Some(runtime());
        let keys = elsewhere.as_ref().unwrap().block_on(keys.connect()).unwrap();
        if gone {
            elsewhere = None;
        }
        here.block_on(async {
            let serving = publisher.serve(keys).await;
            let removed = publisher.token();
            assert_eq!(serving.bearer(&removed).await, ada());
            publisher.issuer.rotate();
            publisher.issuer.forget_older_keys();
            becomes(&serving, &removed, &told(INVALID)).await;
            assert_eq!(serving.bearer(&publisher.token()).await, ada());
        });
        drop(elsewhere);
    }
}

#[tokio::test]
async fn a_smaller_set_is_obeyed_when_an_unknown_key_fetches_it() {
    let publisher = Publisher::start().await;
    let first = publisher.token();
    publisher.issuer.rotate();
    let serving = publisher.serving().await;
    assert_eq!(serving.bearer(&first).await, ada());
    publisher.issuer.forget_older_keys();
    pass(COOLDOWN).await;
    assert_eq!(serving.bearer(&publisher.forged("unknown")).await, told(INVALID));
    assert_eq!(serving.bearer(&first).await, told(INVALID));
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
}

#[tokio::test]
async fn a_key_that_is_replaced_under_its_id_is_another_key() {
    let publisher = Publisher::start().await;
    let serving = publisher.serving().await;
    let old = publisher.token();
    assert_eq!(serving.bearer(&old).await, ada());
    let id = publisher.issuer.signing_key().id().to_owned();
    let other = SigningKey::generate(&id, Algorithm::EdDSA);
    publisher.provider.reply(JWKS, Reply::Json(json!({"keys": [other.jwk()]}).to_string()));
    pass(REFRESH).await;
    becomes(&serving, &old, &told(INVALID)).await;
    assert_eq!(serving.bearer(&publisher.token()).await, told(INVALID));
    assert_eq!(serving.bearer(&publisher.signed_by(&other, Some(&id))).await, ada());
}

#[tokio::test]
async fn a_key_beside_a_good_one_is_used_only_if_it_may_be() {
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
        assert_eq!(serving.bearer(&token).await, told(INVALID), "{header}");
    }
    for kid in [None, Some("encrypts")] {
        let token = publisher.signed_by(&encrypts, kid);
        assert_eq!(serving.bearer(&token).await, told(INVALID), "{kid:?}");
    }
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_go_on_while_keys_rotate() {
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
                // The first key stays published: its tokens always get in, and forged ones never do.
                assert_eq!(serving.bearer(&first).await, ada());
                let forged = publisher.forged(&format!("unknown-{at}"));
                assert_eq!(serving.bearer(&forged).await, told(INVALID));
                calls += 1;
            }
            calls
        });
    }
    for _ in 0..10 {
        publisher.issuer.rotate();
        // The newest key works once a fetch is allowed again.
        becomes(&serving, &publisher.token(), &ada()).await;
    }
    ended.store(true, Ordering::SeqCst);
    while let Some(calls) = within("the callers", callers.join_next()).await {
        assert!(calls.unwrap() > 0);
    }
}
