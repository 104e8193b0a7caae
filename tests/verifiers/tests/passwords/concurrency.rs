//! The limits on concurrent and queued password checks, also while callers disconnect.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tonic::Code;
use tonic_guard_suite_support::{LIMIT, code_and_reason};
use tonic_guard_verifier_tests::Serving;

use crate::{Cost, call, call_on, rejected, serve};

/// Enough memory that one check takes some milliseconds for each pass.
const EXPENSIVE: u32 = 1024;

/// Sends `count` calls of this user, on as many connections as they need.
async fn send(serving: &Serving, count: usize, user: &'static str) -> JoinSet<Code> {
    let mut calls = JoinSet::new();
    let mut channel = serving.server().channel().await;
    for at in 0..count {
        // A connection accepts only some hundred calls at once.
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
async fn thousand_reset_calls_keep_the_limit_and_a_good_call_is_answered() {
    let mut cost = Cost::new(EXPENSIVE, 8);
    let users = cost.ada().max_concurrent(2).max_queued(10_000);
    let serving = serve(users).await;
    for round in 0..2 {
        let user = if round == 0 { "mallory" } else { "ada" };
        let calls = send(&serving, 1_000, user).await;
        cost.begun(cost.work().begun + 2).await;
        let before = cost.work().begun;
        // Dropping the clients resets their calls.
        drop(calls);
        assert_eq!(call(&serving, "ada", "pa:ss").await.unwrap(), "ada");
        let work = cost.rest().await;
        assert!(work.max_running <= 2, "{work:?}");
        // Checks that hadn't begun never begin, except those that began while the resets were in
        // transit.
        assert!(work.begun - before < 500, "{before}, {work:?}");
        assert_eq!(work.parameters, format!("memory_kib={EXPENSIVE} passes=8 lanes=1"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resetting_calls_does_not_raise_the_limit() {
    let mut cost = Cost::new(EXPENSIVE + 24, 64);
    let serving = serve(cost.ada().max_concurrent(1)).await;
    let channel = serving.server().channel().await;
    for begun in 1..12 {
        let call = tokio::spawn(call_on(channel.clone(), "mallory", "wrong"));
        cost.begun(begun).await;
        call.abort();
    }
    assert_eq!(cost.rest().await.max_running, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_queue_is_unavailable_for_known_and_unknown_users() {
    let mut cost = Cost::new(EXPENSIVE + 8, 16);
    let users = cost.ada().max_concurrent(1).max_queued(1);
    let serving = serve(users).await;
    assert_eq!(call(&serving, "ada", "pa:ss").await.unwrap(), "ada");
    // Enough callers that one check runs, one waits, and others are repeatedly rejected.
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let channel = serving.server().channel().await;
        callers.spawn(async move {
            loop {
                _ = call_on(channel.clone(), "mallory", "wrong").await;
            }
        });
    }
    let deadline = Instant::now() + LIMIT;
    for user in ["ada", "mallory"] {
        let full = loop {
            let rejected =
                call_on(serving.server().channel().await, user, "wrong").await.unwrap_err();
            if rejected.code() != Code::Unauthenticated {
                break rejected;
            }
            assert!(Instant::now() < deadline, "{user} is never rejected by the full queue");
        };
        assert_eq!(code_and_reason(&full), "Unavailable AUTHENTICATOR_UNAVAILABLE", "{user}");
        assert!(full.metadata().get("www-authenticate").is_none());
        // A cached password is still admitted.
        assert_eq!(call(&serving, "ada", "pa:ss").await.unwrap(), "ada");
    }
    callers.shutdown().await;
    // Each reset frees its slot when it arrives.
    let answer = loop {
        let answer = call(&serving, "ada", "wrong").await;
        if answer != Err("Unavailable AUTHENTICATOR_UNAVAILABLE".into()) {
            break answer;
        }
        assert!(Instant::now() < deadline, "no slot is freed");
    };
    assert_eq!(answer, rejected("CREDENTIALS_INVALID"));
    assert_eq!(cost.rest().await.max_running, 1);
}

#[tokio::test]
async fn calls_progress_while_passwords_are_checked() {
    // One thread drives all calls and this test: if it checked passwords itself, no check would be
    // seen running.
    let mut cost = Cost::new(EXPENSIVE + 16, 64);
    let serving = serve(cost.ada().max_concurrent(1)).await;
    assert_eq!(call(&serving, "ada", "pa:ss").await.unwrap(), "ada");
    let calls = send(&serving, 10, "mallory").await;
    let deadline = Instant::now() + LIMIT;
    while cost.work().begun == cost.work().ended {
        assert!(Instant::now() < deadline, "{:?}", cost.work());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(call(&serving, "ada", "pa:ss").await.unwrap(), "ada");
    drop(calls);
    assert_eq!(cost.rest().await.max_running, 1);
}
