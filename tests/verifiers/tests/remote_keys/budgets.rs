//! How many fetches bad tokens cause, and that they keep no good token out.

use serde_json::json;

use super::*;

/// Publishes `keys` and nothing else.
fn publish(publisher: &Publisher, keys: &[&SigningKey]) {
    let keys: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
    publisher.provider.reply(JWKS, Reply::Json(json!({"keys": keys}).to_string()));
}

/// Publishes the issuer's key, and another new key with the id `flips` at each request.
fn publish_flipping_key(publisher: &Publisher) {
    let issuer = Arc::clone(&publisher.issuer);
    publisher.provider.reply_by(JWKS, move |_| {
        let mut keys: serde_json::Value = serde_json::from_str(&issuer.jwks()).unwrap();
        let flipping = SigningKey::generate("flips", Algorithm::EdDSA).jwk();
        keys["keys"].as_array_mut().unwrap().push(flipping);
        Reply::Json(keys.to_string())
    });
}

#[tokio::test]
async fn reused_kid_is_accepted_at_once() {
    let publisher = Publisher::start().await;
    let serving = publisher.serving().await;
    let old = publisher.issuer.signing_key();
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
    let new = SigningKey::generate(old.id(), Algorithm::EdDSA);
    publish(&publisher, &[&new]);
    assert_eq!(serving.bearer(&publisher.signed_by(&new, Some(new.id()))).await, ada());
    assert_eq!(serving.bearer(&publisher.token()).await, rejected(INVALID), "the old key");
    // Also if its algorithm is another one.
    let other = SigningKey::generate(old.id(), Algorithm::ES256);
    publish(&publisher, &[&other]);
    pass(REFRESH).await;
    let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": other.id()}).to_string();
    let token = other.sign(&header, &publisher.issuer.access_token(AUDIENCE).payload());
    eventually(&serving, &token, &ada()).await;
}

#[tokio::test]
async fn forged_signatures_by_a_confirmed_key_cause_one_fetch_per_refresh() {
    let publisher = Publisher::start().await;
    let serving = publisher.serving().await;
    let known = publisher.issuer.signing_key();
    // Ten minutes of such calls: one fetch at start, at most three on schedule, and one after each.
    for _ in 0..100 {
        assert_eq!(serving.bearer(&publisher.forged(known.id())).await, rejected(INVALID));
        assert_eq!(serving.bearer(&publisher.token()).await, ada());
        pass(Duration::from_secs(6)).await;
    }
    let asked = publisher.provider.request_count();
    assert!((2..=8).contains(&asked), "{asked} fetches in ten minutes");
}

#[tokio::test]
async fn forged_signatures_by_a_key_that_changes_stay_within_their_budget() {
    let publisher = Publisher::start().await;
    publish_flipping_key(&publisher);
    let serving = publisher.serving().await;
    for _ in 0..100 {
        assert_eq!(serving.bearer(&publisher.forged("flips")).await, rejected(INVALID));
        assert_eq!(serving.bearer(&publisher.token()).await, ada());
        pass(Duration::from_secs(6)).await;
    }
    let asked = publisher.provider.request_count();
    // One at start, a burst of two, and one per cooldown of 30 s.
    assert!((15..=1 + 2 + 20).contains(&asked), "{asked} fetches in ten minutes");
}

#[tokio::test]
async fn garbage_does_not_keep_a_rotated_key_out() {
    let publisher = Publisher::start().await;
    publish_flipping_key(&publisher);
    let serving = publisher.serving().await;
    for _ in 0..10 {
        assert_eq!(serving.bearer(&publisher.forged("flips")).await, rejected(INVALID));
    }
    assert_eq!(publisher.provider.request_count(), 1 + 2, "the burst for failed signatures");
    publisher.issuer.rotate();
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
    assert_eq!(publisher.provider.request_count(), 1 + 2 + 1);
}

#[tokio::test]
async fn unknown_kids_do_not_keep_a_reused_kid_out() {
    let publisher = Publisher::start().await;
    let serving = publisher.serving().await;
    for at in 0..10 {
        let forged = publisher.forged(&format!("unknown-{at}"));
        assert_eq!(serving.bearer(&forged).await, rejected(INVALID));
    }
    assert_eq!(publisher.provider.request_count(), 1 + 2, "the burst for unknown key ids");
    let new = SigningKey::generate(publisher.issuer.signing_key().id(), Algorithm::EdDSA);
    publish(&publisher, &[&new]);
    assert_eq!(serving.bearer(&publisher.signed_by(&new, Some(new.id()))).await, ada());
    assert_eq!(publisher.provider.request_count(), 1 + 2 + 1);
}

#[tokio::test]
async fn forged_signature_is_invalid_while_the_provider_fails() {
    let publisher = Publisher::start().await;
    let http = http().timeout(Duration::from_secs(10)).build().unwrap();
    let keys = publisher.keys().http_client(http).connect().await.unwrap();
    let serving = publisher.serve(keys).await;
    let known = publisher.issuer.signing_key();
    publisher.provider.reply(JWKS, Reply::status(500));
    assert_eq!(serving.bearer(&publisher.forged(known.id())).await, rejected(INVALID));
    assert_eq!(publisher.provider.request_count(), 2);
    // The provider doesn't respond before the verifier's deadline of five seconds.
    publisher.provider.hold();
    let forged = publisher.forged(known.id());
    assert_eq!(within("the call", serving.bearer(&forged)).await, rejected(INVALID));
    assert_eq!(publisher.provider.request_count(), 3);
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
}

#[tokio::test]
async fn token_with_the_algorithm_of_a_secret_causes_no_fetch() {
    let publisher = Publisher::start().await;
    let serving = publisher.serve(publisher.keys().lazy().unwrap()).await;
    let payload = publisher.issuer.access_token(AUDIENCE).payload();
    let known = publisher.issuer.signing_key();
    let forged = |kid: &str| {
        let header = json!({"alg": "HS256", "typ": "at+jwt", "kid": kid}).to_string();
        tonic_guard_test::sign_hs256(&[7; 32], &header, &payload)
    };
    assert_eq!(serving.bearer(&forged("unknown")).await, rejected(INVALID));
    assert_eq!(publisher.provider.request_count(), 0, "before the first fetch");
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
    for kid in ["unknown", known.id()] {
        assert_eq!(serving.bearer(&forged(kid)).await, rejected(INVALID), "{kid}");
    }
    assert_eq!(publisher.provider.request_count(), 1);
}

#[tokio::test]
async fn scheduled_fetches_of_many_processes_spread() {
    const PROCESSES: usize = 20;
    /// The part of a refresh interval that jitter may take away.
    const EARLY: Duration = Duration::from_secs(30);

    let publisher = Publisher::start().await;
    let mut processes = Vec::new();
    for _ in 0..PROCESSES {
        processes.push(publisher.keys().connect().await.unwrap());
    }
    let asked = || publisher.provider.request_count();
    assert_eq!(asked(), PROCESSES);
    pass(REFRESH - EARLY - Duration::from_secs(5)).await;
    publisher.settle().await;
    assert_eq!(asked(), PROCESSES, "not earlier than that");
    pass(Duration::from_secs(20)).await;
    publisher.settle().await;
    let half = asked();
    pass(Duration::from_secs(15)).await;
    publisher.provider.wait_for_requests(2 * PROCESSES).await;
    assert!((PROCESSES + 1..2 * PROCESSES).contains(&half), "{half}");
    drop(processes);
}
