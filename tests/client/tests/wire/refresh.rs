//! When a token is fetched, and the calls that share a fetch.

use std::{sync::Arc, time::Duration};

use tonic::{Code, Request};
use tonic_guard::client::{CallCredentials, CallError, CallErrorKind};
use tonic_guard_client_tests::{Answer, Guarded, Scripted, Source, client, rejection};
use tonic_guard_suite_support::{until, within};

use crate::{causes, kind, note};

/// The number of concurrent calls.
const CALLS: usize = 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousand_calls_with_a_revoked_token_share_one_refresh() {
    let server = Guarded::start().await;
    let source = server.source();
    let client = server.client(&CallCredentials::bearer(source.clone()));
    client.clone().unary(note("before")).await.unwrap();
    // All of them are rejected before the first has a new token.
    source.hold();
    server.issuer.revoke_all();
    let calls: Vec<_> = (0..CALLS)
        .map(|number| {
            let mut client = client.clone();
            tokio::spawn(async move { client.unary(note(&number.to_string())).await })
        })
        .collect();
    until("the refresh has begun", || source.fetches() == 2).await;
    source.release();
    for (number, call) in calls.into_iter().enumerate() {
        let answer = within("a call", call).await.unwrap().unwrap();
        assert_eq!(answer.into_inner().text, number.to_string());
    }
    assert_eq!(source.fetches(), 2, "the first, and one refresh");
    assert!(server.attempts.count() <= 1 + 2 * CALLS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousand_calls_with_an_expiring_token_share_one_refresh() {
    let server = Guarded::start().await;
    let source = server.source().life(Duration::from_secs(2));
    let client = server.client(&CallCredentials::bearer(source.clone()));
    client.clone().unary(note("before")).await.unwrap();
    source.hold();
    // The next token outlives this test on the slowest machine.
    source.live(Duration::from_secs(3600));
    // The token counts as expired a quarter of its lifetime early.
    tokio::time::sleep(Duration::from_millis(1600)).await;
    let calls: Vec<_> = (0..CALLS)
        .map(|number| {
            let mut client = client.clone();
            tokio::spawn(async move { client.unary(note(&number.to_string())).await })
        })
        .collect();
    until("the refresh has begun", || source.fetches() == 2).await;
    source.release();
    for call in calls {
        within("a call", call).await.unwrap().unwrap();
    }
    assert_eq!(source.fetches(), 2, "the first, and one refresh");
    assert_eq!(server.attempts.count(), 1 + CALLS, "no call was rejected");
}

#[tokio::test]
async fn token_is_refreshed_in_the_background_while_calls_use_it() {
    let server = Guarded::start().await;
    let source = server.source().life(Duration::from_secs(8));
    let mut client = server.client(&CallCredentials::bearer(source.clone()));
    client.unary(note("a")).await.unwrap();
    source.hold();
    source.live(Duration::from_secs(3600));
    tokio::time::sleep(Duration::from_millis(4100)).await;
    // The refresh begins at half of the lifetime. This call doesn't wait for it.
    client.unary(note("b")).await.unwrap();
    until("the refresh has begun", || source.fetches() == 2).await;
    client.unary(note("c")).await.unwrap();
    source.release();
    within("the new token", async {
        while server.attempts.tokens().last().unwrap() != "Bearer token-2" {
            client.unary(note("d")).await.unwrap();
        }
    })
    .await;
    assert_eq!(server.attempts.tokens()[..3], ["Bearer token-1"; 3]);
    assert_eq!(source.fetches(), 2);
}

#[tokio::test]
async fn nothing_is_fetched_without_a_call() {
    let server = Guarded::start().await;
    let source = server.source().life(Duration::from_millis(400));
    let mut client = server.client(&CallCredentials::bearer(source.clone()));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(source.fetches(), 0, "no call was made yet");
    client.unary(note("a")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1000)).await;
    assert_eq!(source.fetches(), 1);
    client.unary(note("b")).await.unwrap();
    assert_eq!(source.fetches(), 2);
    assert_eq!(server.attempts.count(), 2);
}

#[tokio::test]
async fn token_without_a_lifetime_is_used_until_it_is_rejected() {
    let server = Guarded::start().await;
    let source = server.source();
    let mut client = server.client(&CallCredentials::bearer(source.clone()));
    for _ in 0..20 {
        client.unary(note("a")).await.unwrap();
    }
    assert_eq!(source.fetches(), 1);
    server.issuer.revoke_all();
    client.unary(note("b")).await.unwrap();
    assert_eq!(source.fetches(), 2);
}

#[tokio::test]
async fn late_rejection_of_an_old_token_keeps_the_new_one() {
    let server = Guarded::start().await;
    let source = server.source();
    let mut client =
        server.client(&CallCredentials::bearer(source.clone()).refresh_cooldown(Duration::ZERO));
    client.unary(note("before")).await.unwrap();
    server.issuer.revoke_all();
    // Two calls with the old token. One receives its rejection late.
    let gate = server.issuer.hold_verification("token-1");
    let mut slow = client.clone();
    let late = tokio::spawn(async move { slow.unary(note("late")).await });
    until("the first is rejected", || server.issuer.waiting() == 1).await;
    let mut quick = client.clone();
    let early = tokio::spawn(async move { quick.unary(note("early")).await });
    until("both are rejected", || server.issuer.waiting() == 2).await;
    gate.add_permits(1);
    until("one is retried", || server.attempts.count() == 4).await;
    assert_eq!(source.fetches(), 2);
    gate.add_permits(1);
    within("both", async {
        early.await.unwrap().unwrap();
        late.await.unwrap().unwrap();
    })
    .await;
    client.unary(note("after")).await.unwrap();
    assert_eq!(source.fetches(), 2, "the late rejection caused no fetch");
    assert_eq!(server.attempts.tokens()[3..], ["Bearer token-2"; 3]);
}

#[tokio::test]
async fn cancelled_waiting_call_does_not_affect_others() {
    let server = Guarded::start().await;
    let source = server.source();
    source.hold();
    let client = server.client(&CallCredentials::bearer(source.clone()));
    let call = || {
        let mut client = client.clone();
        tokio::spawn(async move { client.unary(note("a")).await })
    };
    let first = call();
    until("the fetch has begun", || source.fetches() == 1).await;
    let second = call();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    source.release();
    within("the second", second).await.unwrap().unwrap();
    assert_eq!((source.fetches(), server.attempts.count()), (1, 1));
}

#[tokio::test]
async fn waiting_calls_do_not_block_the_channel() {
    let server = Guarded::start().await;
    let source = server.source();
    source.hold();
    let credentials = CallCredentials::bearer(source.clone());
    // More than a channel's default limit of concurrent calls.
    let client = server.client(&credentials);
    let calls: Vec<_> = (0..1100)
        .map(|_| {
            let mut client = client.clone();
            tokio::spawn(async move { client.unary(note("a")).await })
        })
        .collect();
    until("the fetch has begun", || source.fetches() == 1).await;
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    // A source may use the same channel: a call without credentials isn't blocked.
    let options = tonic_guard::client::CallOptions::new().without_credentials();
    let status =
        within("a call", client.clone().unary(crate::with_options(note("b"), options))).await;
    assert_eq!(status.unwrap_err().code(), Code::Unauthenticated);
    source.release();
    for call in calls {
        within("a call", call).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn unreachable_source_is_unavailable_and_is_retried_after_a_pause() {
    let server = Guarded::start().await;
    let source = server.source();
    source.always(Some(Answer::Down));
    let mut client = server.client(&CallCredentials::bearer(source.clone()));
    for _ in 0..5 {
        let status = client.unary(note("a")).await.unwrap_err();
        assert_eq!(
            (status.code(), kind(&status)),
            (Code::Unavailable, Some(CallErrorKind::NoToken))
        );
        assert!(causes(&status).contains("the issuer is down"), "{status:?}");
        assert!(CallError::of(&status).unwrap().token_error().unwrap().is_unreachable());
    }
    assert_eq!((source.fetches(), server.attempts.count()), (1, 0));
    source.always(None);
    within("the pause", async {
        while client.unary(note("a")).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(source.fetches(), 2);
}

#[tokio::test]
async fn unusable_token_is_unauthenticated() {
    let server = Guarded::start().await;
    for answer in [Answer::Unusable, Answer::Token("two words"), Answer::Token("")] {
        let source = server.source();
        source.always(Some(answer));
        let mut client = server.client(&CallCredentials::bearer(source));
        let status = client.unary(note("a")).await.unwrap_err();
        let expected = (Code::Unauthenticated, Some(CallErrorKind::NoToken));
        assert_eq!((status.code(), kind(&status)), expected);
        assert!(!format!("{status:?}").contains("words"));
    }
    let dead = server.source().life(Duration::ZERO);
    let status = server.client(&CallCredentials::bearer(dead)).unary(note("a")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(server.attempts.count(), 0);
}

#[tokio::test]
async fn hanging_or_panicking_source_is_unavailable() {
    let server = Guarded::start().await;
    for answer in [Answer::Hangs, Answer::Panics] {
        let source = server.source().within(Duration::from_millis(200));
        source.then(answer.clone());
        let mut client = server.client(&CallCredentials::bearer(source.clone()));
        let status = within("the call", client.unary(note("a"))).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{answer:?}");
        within("the pause", async {
            while client.unary(note("a")).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn call_waits_for_a_token_until_its_deadline() {
    let server = Guarded::start().await;
    let source = server.source();
    source.hold();
    let mut client = server.client(&CallCredentials::bearer(source.clone()));
    let mut request = Request::new(note("a"));
    request.set_timeout(Duration::from_millis(100));
    let status = within("the call", client.unary(request)).await.unwrap_err();
    let expected = (Code::DeadlineExceeded, Some(CallErrorKind::DeadlineExceeded));
    assert_eq!((status.code(), kind(&status)), expected);
    assert_eq!(server.attempts.count(), 0);
    source.release();
    client.unary(note("b")).await.unwrap();
    assert_eq!(source.fetches(), 1);
}

#[tokio::test]
async fn waiting_time_is_subtracted_from_the_deadline() {
    let server = Guarded::start().await;
    let source = server.source();
    source.hold();
    let mut client = server.client(&CallCredentials::bearer(source.clone()));
    let call = tokio::spawn(async move {
        let mut request = Request::new(note("a"));
        request.set_timeout(Duration::from_secs(40));
        client.unary(request).await
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    source.release();
    within("the call", call).await.unwrap().unwrap();
    let timeouts = server.attempts.header("grpc-timeout");
    let micros: u64 = timeouts[0].strip_suffix('u').unwrap().parse().unwrap();
    assert!(micros <= 39_900_000, "{timeouts:?}");
}

#[tokio::test]
async fn rejections_cause_at_most_one_refresh_per_interval() {
    let (running, attempts) = Scripted::start([], rejection).await;
    let source = Source::new(&Arc::default());
    let credentials =
        CallCredentials::bearer(source.clone()).refresh_cooldown(Duration::from_secs(60));
    let mut client = client(running.endpoint(), &credentials);
    let kinds: Vec<_> = {
        let mut kinds = Vec::new();
        for _ in 0..20 {
            kinds.push(kind(&client.unary(note("a")).await.unwrap_err()).unwrap());
        }
        kinds
    };
    assert_eq!(kinds[0], CallErrorKind::RejectedAgain);
    assert!(kinds[1..].iter().all(|kind| *kind == CallErrorKind::NoNewerToken), "{kinds:?}");
    assert_eq!((source.fetches(), attempts.count()), (2, 21));
}

#[tokio::test]
async fn valid_token_is_used_while_its_source_is_down() {
    let server = Guarded::start().await;
    let source = server.source().life(Duration::from_secs(4));
    let mut client = server.client(&CallCredentials::bearer(source.clone()));
    client.unary(note("a")).await.unwrap();
    source.always(Some(Answer::Down));
    // The token counts as expired after three seconds, and expires after four.
    tokio::time::sleep(Duration::from_millis(3100)).await;
    client.unary(note("b")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1000)).await;
    let status = client.unary(note("c")).await.unwrap_err();
    assert_eq!((status.code(), kind(&status)), (Code::Unavailable, Some(CallErrorKind::NoToken)));
}

#[tokio::test]
async fn channels_of_cloned_credentials_share_a_token() {
    let (one, source) = {
        let server = Guarded::start().await;
        let source = server.source();
        (server, source)
    };
    let credentials = CallCredentials::bearer(source.clone());
    one.client(&credentials).unary(note("a")).await.unwrap();
    one.client(&credentials.clone()).unary(note("b")).await.unwrap();
    assert_eq!(source.fetches(), 1);
}
