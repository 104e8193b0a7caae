use std::time::Duration;

use tokio::time::Instant;

use super::support::{advance, cache, down, living, uses};
use crate::client::token::Token;

#[tokio::test(start_paused = true)]
async fn token_is_refreshed_in_the_background() {
    let (cache, source) = cache([living("a", 100), living("b", 100)]);
    assert!(uses(&cache, "a").await);
    // Up to a tenth before the half of the lifetime.
    advance(44_900).await;
    assert!(uses(&cache, "a").await);
    assert_eq!(source.fetches(), 1);
    // A refresh begins. This call doesn't wait for it.
    advance(5_200).await;
    assert!(uses(&cache, "a").await);
    assert_eq!(source.fetches(), 2);
    assert!(uses(&cache, "b").await);
    assert_eq!(source.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn call_with_a_stale_token_waits_for_a_new_one() {
    let (cache, source) = cache([living("a", 100), living("b", 100)]);
    assert!(uses(&cache, "a").await);
    advance(75_100).await;
    assert!(uses(&cache, "b").await);
    assert_eq!(source.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn failed_refresh_keeps_the_token_until_its_end_and_pauses() {
    let (cache, source) = cache([living("a", 100), down(), down(), down(), living("b", 100)]);
    assert!(uses(&cache, "a").await);
    advance(60_000).await;
    assert!(uses(&cache, "a").await);
    assert!(uses(&cache, "a").await);
    assert_eq!(source.fetches(), 2, "the cache pauses");
    // After the longest pause. The token counts as expired, and is still used.
    advance(20_000).await;
    assert!(uses(&cache, "a").await);
    assert_eq!(source.fetches(), 3);
    assert!(uses(&cache, "a").await, "the last error and the token are kept");
    assert_eq!(source.fetches(), 3);
    advance(20_100).await;
    assert!(
        cache.credential().await.is_err_and(|error| error.is_unreachable()),
        "its lifetime has ended"
    );
    assert_eq!(source.fetches(), 4);
    assert!(cache.credential().await.is_err(), "the last error is kept");
    assert_eq!(source.fetches(), 4);
    advance(10_000).await;
    assert!(uses(&cache, "b").await);
}

#[tokio::test(start_paused = true)]
async fn success_resets_the_backoff() {
    let results = [down(), down(), living("a", 100), down(), living("b", 100)];
    let (cache, source) = cache(results);
    for _ in 0..2 {
        cache.credential().await.unwrap_err();
        advance(5_000).await;
    }
    assert!(uses(&cache, "a").await);
    advance(60_000).await;
    assert!(uses(&cache, "a").await);
    // The first pause, not the third.
    advance(1_250).await;
    assert!(uses(&cache, "a").await);
    assert_eq!(source.fetches(), 5);
    assert!(uses(&cache, "b").await);
}

#[tokio::test(start_paused = true)]
async fn source_that_returns_the_same_token_is_asked_with_pauses() {
    let (cache, source) =
        cache([living("a", 100), living("a", 40), living("a", 38), living("b", 100)]);
    assert!(uses(&cache, "a").await);
    advance(60_000).await;
    assert!(uses(&cache, "a").await);
    assert!(uses(&cache, "a").await);
    assert_eq!(source.fetches(), 2);
    advance(1_100).await;
    assert!(uses(&cache, "a").await);
    assert_eq!(source.fetches(), 3);
    // It counts as expired at the time of its first schedule, not later.
    advance(14_000).await;
    assert!(uses(&cache, "b").await);
}

#[tokio::test(start_paused = true)]
async fn source_with_a_check_interval_is_asked_at_that_interval() {
    let check = Duration::from_secs(20);
    let token_with =
        |token: &str, secs| living(token, secs).map(|token| token.refresh_after(check));
    let (cache, source) = cache([
        token_with("a", 100),
        token_with("a", 80),
        token_with("a", 60),
        token_with("b", 100),
    ]);
    assert!(uses(&cache, "a").await);
    let mut now = 0;
    for (second, fetches) in [(17, 1), (20, 2), (21, 2), (37, 2), (40, 3), (48, 3)] {
        advance((second - now) * 1000).await;
        now = second;
        assert!(uses(&cache, "a").await, "{second}");
        assert_eq!(source.fetches(), fetches, "at {second} s");
    }
    // Near its end a new one is due, before the next check.
    advance(2_100).await;
    assert!(uses(&cache, "a").await);
    assert_eq!(source.fetches(), 4);
    assert!(uses(&cache, "b").await);
}

#[tokio::test(start_paused = true)]
async fn source_that_returns_the_same_token_until_its_end_is_asked_rarely() {
    let end = Instant::now() + Duration::from_secs(120);
    let (cache, source) = cache([]);
    let begin = Instant::now();
    let mut fetches = 0;
    while Instant::now() < begin + Duration::from_secs(300) {
        let left = end.saturating_duration_since(Instant::now());
        let result = Ok(Token::new("same").expires_in(left));
        source.set_next(result);
        let _ = cache.credential().await;
        tokio::time::advance(Duration::from_millis(10)).await;
        fetches = source.fetches();
    }
    // For thirty thousand calls.
    assert!(fetches < 150, "{fetches}");
}
