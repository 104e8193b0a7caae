//! What is remembered, and for how long.

use super::*;

const INACTIVE: &str = r#"{"active": false}"#;

/// Says of tokens that begin with `good` that they are ada's.
fn judge(seen: &Seen) -> Reply {
    let good = seen.form["token"].starts_with("good");
    Reply::Json(if good { ada(json!({})) } else { INACTIVE.into() })
}

#[tokio::test]
async fn a_good_token_is_asked_about_once_in_its_time() {
    let provider = provider().await;
    let serving = serving(&provider).await;
    for _ in 0..5 {
        assert_eq!(serving.bearer("opaque").await, Ok("ada".into()));
    }
    assert_eq!(provider.asked(), 1);
    provider.reply(ENDPOINT, Reply::Json(INACTIVE.into()));
    pass(Duration::from_secs(40)).await;
    assert_eq!(serving.bearer("opaque").await, Ok("ada".into()), "not yet a minute");
    pass(Duration::from_secs(20)).await;
    assert_eq!(serving.bearer("opaque").await, Err(INVALID.into()), "revoked");
    assert_eq!(provider.asked(), 2);
}

/// What the endpoint said may have ceased to hold while its answer was on the way.
#[tokio::test]
async fn the_age_of_an_answer_is_counted_from_its_question() {
    let provider = provider().await;
    let verifier = builder::<Claims>(&provider).cache_ttl(Duration::from_secs(10)).build().unwrap();
    let serving = Arc::new(Serving::bearers(verifier).await);
    for (held, asked) in [(2, 1), (11, 2)] {
        provider.hold();
        let first = Arc::clone(&serving);
        let token = format!("held-{held}");
        let call = tokio::spawn(async move { first.bearer(&token).await });
        provider.asked_at_least(asked).await;
        pass(Duration::from_secs(held)).await;
        provider.release();
        assert_eq!(within("the call", call).await.unwrap(), Ok("ada".into()), "{held}");
        assert_eq!(serving.bearer(&format!("held-{held}")).await, Ok("ada".into()), "{held}");
    }
    assert_eq!(provider.asked(), 3);
}

#[tokio::test]
async fn a_good_token_isnt_remembered_past_its_end() {
    let provider = Provider::start().await;
    let serving = serving(&provider).await;
    provider.reply(ENDPOINT, Reply::Json(ada(json!({"exp": unix_now() + 20.0}))));
    assert_eq!(serving.bearer("opaque").await, Ok("ada".into()));
    provider.reply(ENDPOINT, Reply::Json(INACTIVE.into()));
    pass(Duration::from_secs(20)).await;
    assert_eq!(serving.bearer("opaque").await, Err(INVALID.into()));
    // A token whose end is past, but for the skew, isn't remembered at all.
    provider.reply(ENDPOINT, Reply::Json(ada(json!({"exp": unix_now() - 1.0}))));
    for _ in 0..3 {
        assert_eq!(serving.bearer("another").await, Ok("ada".into()));
    }
    assert_eq!(provider.asked(), 5);
}

#[tokio::test]
async fn the_end_of_what_is_remembered_is_looked_at_on_the_wall_clock_too() {
    let provider = Provider::start().await;
    let verifier = builder::<Claims>(&provider).clock_skew(Duration::ZERO).build().unwrap();
    let serving = Serving::bearers(verifier).await;
    let exp = unix_now() + 1.0;
    provider.reply(ENDPOINT, Reply::Json(ada(json!({"exp": exp}))));
    assert_eq!(serving.bearer("opaque").await, Ok("ada".into()));
    // tokio's clock stands still meanwhile, as the monotonic clock of a machine that sleeps does.
    tokio::time::pause();
    while unix_now() < exp {
        std::thread::sleep(Duration::from_millis(20));
    }
    tokio::time::resume();
    assert_eq!(serving.bearer("opaque").await, Err(EXPIRED.into()));
}

#[tokio::test]
async fn with_an_age_of_zero_every_call_asks() {
    let provider = Provider::start().await;
    provider.reply_by(ENDPOINT, judge);
    let verifier = builder::<Claims>(&provider).cache_ttl(Duration::ZERO);
    let verifier = verifier.negative_cache_ttl(Duration::ZERO).build().unwrap();
    let serving = Serving::bearers(verifier).await;
    for _ in 0..3 {
        assert_eq!(serving.bearer("good").await, Ok("ada".into()));
        assert_eq!(serving.bearer("bad").await, Err(INVALID.into()));
    }
    assert_eq!(provider.asked(), 6);
}

#[tokio::test]
async fn a_bad_token_is_remembered_for_a_short_time() {
    let provider = Provider::start().await;
    provider.reply(ENDPOINT, Reply::Json(INACTIVE.into()));
    let serving = serving(&provider).await;
    for _ in 0..5 {
        assert_eq!(serving.bearer("opaque").await, Err(INVALID.into()));
    }
    assert_eq!(provider.asked(), 1);
    provider.reply_by(ENDPOINT, |_| Reply::Json(ada(json!({}))));
    pass(Duration::from_secs(5)).await;
    assert_eq!(serving.bearer("opaque").await, Ok("ada".into()));
}

#[tokio::test]
async fn an_expired_token_stays_an_expired_one() {
    let provider = Provider::start().await;
    provider.reply(ENDPOINT, Reply::Json(ada(json!({"exp": 1}))));
    let serving = serving(&provider).await;
    for _ in 0..3 {
        assert_eq!(serving.bearer("opaque").await, Err(EXPIRED.into()));
    }
    assert_eq!(provider.asked(), 1);
}

#[tokio::test]
async fn bad_tokens_dont_push_good_ones_out() {
    let provider = Provider::start().await;
    provider.reply_by(ENDPOINT, judge);
    let verifier = builder::<Claims>(&provider).cache_bytes(4096).build().unwrap();
    let serving = Serving::bearers(verifier).await;
    assert_eq!(serving.bearer("good").await, Ok("ada".into()));
    for at in 0..200 {
        assert_eq!(serving.bearer(&format!("bad-{at}")).await, Err(INVALID.into()));
    }
    assert_eq!(provider.asked(), 201);
    assert_eq!(serving.bearer("good").await, Ok("ada".into()));
    assert_eq!(provider.asked(), 201);
}

#[tokio::test]
async fn what_is_remembered_is_bounded() {
    let provider = Provider::start().await;
    provider.reply_by(ENDPOINT, judge);
    let verifier = builder::<Claims>(&provider).cache_bytes(4096).build().unwrap();
    let serving = Serving::bearers(verifier).await;
    for _ in 0..2 {
        for at in 0..40 {
            assert_eq!(serving.bearer(&format!("good-{at}")).await, Ok("ada".into()));
        }
    }
    // Forty answers of some 200 bytes don't fit.
    assert!(provider.asked() > 60, "{} requests", provider.asked());
}

#[tokio::test]
async fn a_token_that_differs_in_one_character_is_another() {
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
async fn two_verifiers_for_two_audiences_remember_apart() {
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
async fn an_endpoint_that_is_down_stops_nobody_who_is_remembered() {
    let mut provider = provider().await;
    let serving = serving(&provider).await;
    assert_eq!(serving.bearer("opaque").await, Ok("ada".into()));
    provider.stop().await;
    assert_eq!(serving.bearer("opaque").await, Ok("ada".into()));
    assert_eq!(serving.bearer("another").await, Err(UNAVAILABLE.into()));
    pass(Duration::from_secs(60)).await;
    assert_eq!(serving.bearer("opaque").await, Err(UNAVAILABLE.into()), "its time is over");
    provider.restart().await;
    // That nobody could tell isn't remembered.
    assert_eq!(serving.bearer("opaque").await, Ok("ada".into()));
    assert_eq!(serving.bearer("another").await, Ok("ada".into()));
}
