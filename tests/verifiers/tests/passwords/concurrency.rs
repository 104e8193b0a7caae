//! How much is at work, whoever calls and whoever goes away.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tonic::Code;
use tonic_guard_verifier_tests::{LIMIT, Serving, told};

use crate::{Cost, call, call_on, refused, serve};

/// Enough memory that one check takes some milliseconds for each pass.
const DEAR: u32 = 1024;

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
    let mut cost = Cost::new(DEAR, 8);
    let users = cost.ada().max_concurrent(2).max_queued(10_000);
    let serving = serve(users).await;
    for round in 0..2 {
        let user = if round == 0 { "mallory" } else { "ada" };
        let calls = send(&serving, 1_000, user).await;
        cost.begun(cost.work().begun + 2).await;
        let before = cost.work().begun;
        // Dropped, each client resets its call.
        drop(calls);
        assert_eq!(call(&serving, "ada", "pa:ss").await.unwrap(), "ada");
        let work = cost.rest().await;
        assert!(work.at_most <= 2, "{work:?}");
        // What had not begun never does, but for what began while the resets were on their way.
        assert!(work.begun - before < 500, "{before}, {work:?}");
        assert_eq!(work.parameters, format!("memory_kib={DEAR} passes=8 lanes=1"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_resets_each_call_gets_no_more_work_done_at_once() {
    let mut cost = Cost::new(DEAR + 24, 64);
    let serving = serve(cost.ada().max_concurrent(1)).await;
    let channel = serving.server().channel().await;
    for begun in 1..12 {
        let call = tokio::spawn(call_on(channel.clone(), "mallory", "wrong"));
        cost.begun(begun).await;
        call.abort();
    }
    assert_eq!(cost.rest().await.at_most, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_unavailable_for_known_and_unknown_alike() {
    let mut cost = Cost::new(DEAR + 8, 16);
    let users = cost.ada().max_concurrent(1).max_queued(1);
    let serving = serve(users).await;
    assert_eq!(call(&serving, "ada", "pa:ss").await.unwrap(), "ada");
    // Callers enough that one is at work, one waits, and others are turned away, again and again.
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
            let refused =
                call_on(serving.server().channel().await, user, "wrong").await.unwrap_err();
            if refused.code() != Code::Unauthenticated {
                break refused;
            }
            assert!(Instant::now() < deadline, "{user} is never turned away");
        };
        assert_eq!(told(&full), "Unavailable AUTHENTICATOR_UNAVAILABLE", "{user}");
        assert!(full.metadata().get("www-authenticate").is_none());
        // Who is remembered gets in.
        assert_eq!(call(&serving, "ada", "pa:ss").await.unwrap(), "ada");
    }
    callers.shutdown().await;
    // Their resets are on their way, and each gives back its place as it arrives.
    let answer = loop {
        let answer = call(&serving, "ada", "wrong").await;
        if answer != Err("Unavailable AUTHENTICATOR_UNAVAILABLE".into()) {
            break answer;
        }
        assert!(Instant::now() < deadline, "no place is given back");
    };
    assert_eq!(answer, refused("CREDENTIALS_INVALID"));
    assert_eq!(cost.rest().await.at_most, 1);
}

#[tokio::test]
async fn calls_are_driven_while_passwords_are_checked() {
    // One thread drives all calls and this test: if it checked passwords itself, nothing could be seen to
    // be at work.
    let mut cost = Cost::new(DEAR + 16, 64);
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
    assert_eq!(cost.rest().await.at_most, 1);
}
