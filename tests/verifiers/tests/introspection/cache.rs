//! The responses that are cached, and for how long.

use super::*;

const INACTIVE: &str = r#"{"active": false}"#;

/// Responds to tokens that begin with `good` as ada's, and to others as inactive.
fn by_prefix(seen: &Received) -> Reply {
    let good = seen.form["token"].starts_with("good");
    Reply::Json(if good { ada(json!({})) } else { INACTIVE.into() })
}

#[tokio::test]
async fn good_token_is_cached_for_its_ttl() {
    let provider = provider().await;
    let serving = serving(&provider).await;
    for _ in 0..5 {
        assert_eq!(serving.bearer("opaque").await, Ok("ada".into()));
    }
    assert_eq!(provider.request_count(), 1);
    provider.reply(ENDPOINT, Reply::Json(INACTIVE.into()));
    pass(Duration::from_secs(40)).await;
    assert_eq!(serving.bearer("opaque").await, Ok("ada".into()), "not yet a minute");
    pass(Duration::from_secs(20)).await;
    assert_eq!(serving.bearer("opaque").await, Err(INVALID.into()), "revoked");
    assert_eq!(provider.request_count(), 2);
}

/// The response may become outdated while it is in transit.
#[tokio::test]
async fn age_of_a_response_counts_from_its_request() {
    let provider = provider().await;
    let verifier = builder::<Claims>(&provider).cache_ttl(Duration::from_secs(10)).build().unwrap();
    let serving = Arc::new(Serving::bearers(verifier).await);
    for (held, asked) in [(2, 1), (11, 2)] {
        provider.hold();
        let first = Arc::clone(&serving);
        let token = format!("held-{held}");
        let call = tokio::spawn(async move { first.bearer(&token).await });
        provider.wait_for_requests(asked).await;
        pass(Duration::from_secs(held)).await;
        provider.release();
        assert_eq!(within("the call", call).await.unwrap(), Ok("ada".into()), "{held}");
        assert_eq!(serving.bearer(&format!("held-{held}")).await, Ok("ada".into()), "{held}");
    }
    assert_eq!(provider.request_count(), 3);
}

#[tokio::test]
async fn good_token_is_not_cached_beyond_its_exp() {
    let provider = Provider::start().await;
    let serving = serving(&provider).await;
    provider.reply(ENDPOINT, Reply::Json(ada(json!({"exp": unix_now() + 20.0}))));
    assert_eq!(serving.bearer("opaque").await, Ok("ada".into()));
    provider.reply(ENDPOINT, Reply::Json(INACTIVE.into()));
    pass(Duration::from_secs(20)).await;
    assert_eq!(serving.bearer("opaque").await, Err(INVALID.into()));
    // A token that is accepted only by the clock skew isn't cached at all.
    provider.reply(ENDPOINT, Reply::Json(ada(json!({"exp": unix_now() - 1.0}))));
    for _ in 0..3 {
        assert_eq!(serving.bearer("another").await, Ok("ada".into()));
    }
    assert_eq!(provider.request_count(), 5);
}

#[tokio::test]
async fn exp_of_a_cached_token_is_checked_by_the_wall_clock_too() {
    let provider = Provider::start().await;
    let verifier = builder::<Claims>(&provider).clock_skew(Duration::ZERO).build().unwrap();
    let serving = Serving::bearers(verifier).await;
    let exp = unix_now() + 1.0;
    provider.reply(ENDPOINT, Reply::Json(ada(json!({"exp": exp}))));
    assert_eq!(serving.bearer("opaque").await, Ok("ada".into()));
    // tokio's clock is paused, as the monotonic clock of a sleeping machine is.
    tokio::time::pause();
    while unix_now() < exp {
        std::thread::sleep(Duration::from_millis(20));
    }
    tokio::time::resume();
    assert_eq!(serving.bearer("opaque").await, Err(EXPIRED.into()));
}

#[tokio::test]
async fn ttl_of_zero_turns_the_cache_off() {
    let provider = Provider::start().await;
    provider.reply_by(ENDPOINT, by_prefix);
    let verifier = builder::<Claims>(&provider).cache_ttl(Duration::ZERO);
    let verifier = verifier.negative_cache_ttl(Duration::ZERO).build().unwrap();
    let serving = Serving::bearers(verifier).await;
    for _ in 0..3 {
        assert_eq!(serving.bearer("good").await, Ok("ada".into()));
        assert_eq!(serving.bearer("bad").await, Err(INVALID.into()));
    }
    assert_eq!(provider.request_count(), 6);
}

#[tokio::test]
async fn bad_token_is_cached_for_a_short_time() {
    let provider = Provider::start().await;
    provider.reply(ENDPOINT, Reply::Json(INACTIVE.into()));
    let serving = serving(&provider).await;
    for _ in 0..5 {
        assert_eq!(serving.bearer("opaque").await, Err(INVALID.into()));
    }
    assert_eq!(provider.request_count(), 1);
    provider.reply_by(ENDPOINT, |_| Reply::Json(ada(json!({}))));
    pass(Duration::from_secs(5)).await;
    assert_eq!(serving.bearer("opaque").await, Ok("ada".into()));
}

#[tokio::test]
async fn expired_token_is_cached_as_expired() {
    let provider = Provider::start().await;
    provider.reply(ENDPOINT, Reply::Json(ada(json!({"exp": 1}))));
    let serving = serving(&provider).await;
    for _ in 0..3 {
        assert_eq!(serving.bearer("opaque").await, Err(EXPIRED.into()));
    }
    assert_eq!(provider.request_count(), 1);
}

#[tokio::test]
async fn bad_tokens_do_not_evict_good_ones() {
    let provider = Provider::start().await;
    provider.reply_by(ENDPOINT, by_prefix);
    let verifier = builder::<Claims>(&provider).cache_bytes(4096).build().unwrap();
    let serving = Serving::bearers(verifier).await;
    assert_eq!(serving.bearer("good").await, Ok("ada".into()));
    for at in 0..200 {
        assert_eq!(serving.bearer(&format!("bad-{at}")).await, Err(INVALID.into()));
    }
    assert_eq!(provider.request_count(), 201);
    assert_eq!(serving.bearer("good").await, Ok("ada".into()));
    assert_eq!(provider.request_count(), 201);
}

#[tokio::test]
async fn cache_is_bounded() {
    let provider = Provider::start().await;
    provider.reply_by(ENDPOINT, by_prefix);
    let verifier = builder::<Claims>(&provider).cache_bytes(4096).build().unwrap();
    let serving = Serving::bearers(verifier).await;
    for _ in 0..2 {
        for at in 0..40 {
            assert_eq!(serving.bearer(&format!("good-{at}")).await, Ok("ada".into()));
        }
    }
    // Forty answers of some 200 bytes don't fit.
    assert!(provider.request_count() > 60, "{} requests", provider.request_count());
}

#[tokio::test]
async fn token_that_differs_in_one_character_is_another() {
    let provider = Provider::start().await;
    provider.reply_by(ENDPOINT, |seen| {
        Reply::Json(if seen.form["token"] == "good" { ada(json!({})) } else { INACTIVE.into() })
    });
    let serving = serving(&provider).await;
    assert_eq!(serving.bearer("good").await, Ok("ada".into()));
    for near in ["Good", "goo", "good=", "gooe"] {
        assert_eq!(serving.bearer(near).await, Err(INVALID.into()), "{near}");
    }
    assert_eq!(serving.bearer("good").await, Ok("ada".into()));
}

#[tokio::test]
async fn verifiers_of_two_audiences_have_separate_caches() {
    let provider = provider().await;
    let ours = serving(&provider).await;
    let client = ClientAuthentication::basic("shop", "s3cret");
    let (issuer, audience) =
        (IssuerMatcher::is(ISSUER), AudienceMatcher::includes("https://shop.example"));
    let endpoint = provider.url(ENDPOINT);
    let shop = IntrospectionVerifier::<Claims>::builder(endpoint, client, issuer, audience)
        .http_client(http())
        .build()
        .unwrap();
    let shop = Serving::bearers(shop).await;
    for _ in 0..2 {
        assert_eq!(ours.bearer("opaque").await, Ok("ada".into()));
        assert_eq!(shop.bearer("opaque").await, Err(INVALID.into()));
    }
}

#[tokio::test]
async fn cached_token_is_admitted_while_the_endpoint_is_down() {
    let mut provider = provider().await;
    let serving = serving(&provider).await;
    assert_eq!(serving.bearer("opaque").await, Ok("ada".into()));
    provider.stop().await;
    assert_eq!(serving.bearer("opaque").await, Ok("ada".into()));
    assert_eq!(serving.bearer("another").await, Err(UNAVAILABLE.into()));
    pass(Duration::from_secs(60)).await;
    assert_eq!(serving.bearer("opaque").await, Err(UNAVAILABLE.into()), "the entry has expired");
    provider.restart().await;
    // Unavailable outcomes aren't cached.
    assert_eq!(serving.bearer("opaque").await, Ok("ada".into()));
    assert_eq!(serving.bearer("another").await, Ok("ada".into()));
}
