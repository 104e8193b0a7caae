//! A right password is cached for a while, and nothing else is.

use std::time::Duration;

use tokio::task::JoinSet;

use crate::{Cost, call, call_on, rejected, serve};
use tonic_guard_suite_support::LIMIT;

#[tokio::test]
async fn right_password_is_checked_once_and_a_wrong_one_each_time() {
    let mut cost = Cost::new(56, 1);
    let serving = serve(cost.ada()).await;
    for (password, expected, begun) in [
        ("wrong", rejected("CREDENTIALS_INVALID"), 1),
        ("pa:ss", Ok("ada".into()), 2),
        ("pa:ss", Ok("ada".into()), 2),
        ("wrong", rejected("CREDENTIALS_INVALID"), 3),
        ("wrong", rejected("CREDENTIALS_INVALID"), 4),
        ("", rejected("CREDENTIALS_INVALID"), 5),
        ("pa:ss", Ok("ada".into()), 5),
    ] {
        assert_eq!(call(&serving, "ada", password).await, expected);
        assert_eq!(cost.rest().await.begun, begun, "{password}");
    }
}

#[tokio::test]
async fn cached_password_is_valid_for_its_user_only() {
    let mut cost = Cost::new(64, 1);
    let serving = serve(cost.ada()).await;
    assert_eq!(call(&serving, "ada", "pa:ss").await.unwrap(), "ada");
    for user in ["eve", "Ada", "ad", ""] {
        assert_eq!(call(&serving, user, "pa:ss").await, rejected("CREDENTIALS_INVALID"), "{user}");
    }
    assert_eq!(cost.rest().await.begun, 5);
}

#[tokio::test]
async fn concurrent_calls_of_one_user_share_one_check() {
    let mut cost = Cost::new(72, 1);
    let serving = serve(cost.ada().max_concurrent(1)).await;
    let (channel, mut calls) = (serving.server().channel().await, JoinSet::new());
    for _ in 0..20 {
        calls.spawn(call_on(channel.clone(), "ada", "pa:ss"));
    }
    while let Some(answer) = calls.join_next().await {
        assert_eq!(answer.unwrap().unwrap(), "ada");
    }
    assert_eq!(cost.rest().await.begun, 1);
}

#[tokio::test]
async fn cache_hits_do_not_extend_the_ttl() {
    let mut cost = Cost::new(80, 1);
    let serving = serve(cost.ada().cache_ttl(Duration::from_millis(300))).await;
    let begin = std::time::Instant::now();
    // It is used more often than it expires: a hit must not restart the time.
    while cost.work().begun < 3 {
        assert!(begin.elapsed() < LIMIT);
        assert_eq!(call(&serving, "ada", "pa:ss").await.unwrap(), "ada");
    }
    assert!(begin.elapsed() >= Duration::from_millis(600), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn ttl_of_zero_turns_the_cache_off() {
    let mut cost = Cost::new(88, 1);
    let serving = serve(cost.ada().cache_ttl(Duration::ZERO)).await;
    for begun in 1..4 {
        assert_eq!(call(&serving, "ada", "pa:ss").await.unwrap(), "ada");
        assert_eq!(cost.rest().await.begun, begun);
    }
}
