//! How much is at work, whoever calls and whoever goes away.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tonic::Code;
use tonic_guard_tests::reason;
use tonic_guard_verifier_tests::{LIMIT, Serving};

use crate::{Cost, call, call_on, refused, serve};

/// Enough memory that one check takes some milliseconds for each pass.
const DEAR: u32 = 4096;

/// Sends so many calls of this user, on as many connections as they need.
async fn send(serving: &Serving, count: usize, user: &'static str) -> JoinSet<Code> {
    let mut calls = JoinSet::new();
    let mut channel = serving.server().channel().await;
    for at in 0..count {
        // A connection takes no more than some hundred calls at once.
        if at % 100 == 99 {
            channel = serving.server().channel().await;
        }
        let channel = channel.clone();
        calls.spawn(async move {
            match call_on(channel, user, &at.to_string()).await {
                Ok(_) => Code::Ok,
                Err(status) => status.code(),
            }
        });
    }
    calls
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_calls_that_are_reset_leave_the_bound_and_a_good_call_is_answered() {
    let mut cost = Cost::new(DEAR, 4);
    let users = cost.ada().at_once(2).waiting(10_000);
    let serving = serve(users).await;
    for round in 0..2 {
        let user = if round == 0 { "mallory" } else { "ada" };
        let calls = send(&serving, 1_000, user).await;
        cost.begun(cost.work().begun + 2).await;
        let before = cost.work().begun;
        // Dropped, each client resets its call.
        drop(calls);
        let asked = Instant::now();
        assert_eq!(call(&serving, "ada", "pa:ss").await.unwrap(), "ada");
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
        let work = cost.rest().await;
        assert!(work.at_most <= 2, "{work:?}");
        // What had not begun never does, but for what began while the resets were on their way.
        assert!(work.begun - before < 500, "{before}, {work:?}");
        assert_eq!(work.parameters, format!("memory_kib={DEAR} passes=4 lanes=1"));
    }
    assert_eq!(cost.work().at_most, 2, "two are at work where two may be");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_unavailable_for_known_and_unknown_alike() {
    let mut cost = Cost::new(DEAR + 8, 60);
    let users = cost.ada().at_once(1).waiting(1);
    let serving = serve(users).await;
    assert_eq!(call(&serving, "ada", "pa:ss").await.unwrap(), "ada");
    let mut calls = send(&serving, 4, "mallory").await;
    // One is at work, one waits.
    let mut codes = Vec::new();
    for _ in 0..2 {
        codes.push(tokio::time::timeout(LIMIT, calls.join_next()).await.unwrap().unwrap().unwrap());
    }
    assert_eq!(codes, [Code::Unavailable, Code::Unavailable]);
    for user in ["ada", "mallory"] {
        let channel = serving.server().channel().await;
        let full = call_on(channel, user, "wrong").await.unwrap_err();
        assert_eq!(reason(&full), "AUTHENTICATOR_UNAVAILABLE", "{user}");
        assert!(full.metadata().get("www-authenticate").is_none());
    }
    // Who is remembered gets in.
    assert_eq!(call(&serving, "ada", "pa:ss").await.unwrap(), "ada");
    while let Some(code) = calls.join_next().await {
        assert_eq!(code.unwrap(), Code::Unauthenticated);
    }
    assert_eq!(call(&serving, "ada", "wrong").await, refused("CREDENTIALS_INVALID"));
    assert_eq!(cost.rest().await.at_most, 1);
}

#[tokio::test]
async fn calls_are_driven_while_passwords_are_checked() {
    // One thread drives all calls: if it checked passwords itself, nothing else would run.
    let mut cost = Cost::new(DEAR + 16, 100);
    let users = cost.ada().at_once(1);
    let serving = serve(users).await;
    assert_eq!(call(&serving, "ada", "pa:ss").await.unwrap(), "ada");
    let calls = send(&serving, 3, "mallory").await;
    cost.begun(2).await;
    let during = cost.work();
    assert_eq!(call(&serving, "ada", "pa:ss").await.unwrap(), "ada");
    assert_eq!(cost.work().ended, during.ended, "the check was still at work");
    drop(calls);
    assert!(cost.rest().await.at_most <= 1);
}
