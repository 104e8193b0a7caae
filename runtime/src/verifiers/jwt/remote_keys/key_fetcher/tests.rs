//! Lost fetches, and the calls that wait for their budget.

use std::{
    pin::{Pin, pin},
    task::{Context, Waker},
};

use super::{super::key_location::UncheckedLocation, *};

const COOLDOWN: Duration = Duration::from_secs(30);
const MAX_AGE: Duration = Duration::from_secs(3600);

/// Keys at a port of loopback that nobody listens to.
fn fetcher(cooldown: Duration) -> Arc<KeyFetcher> {
    let http = HttpClient::new().unwrap();
    let location = UncheckedLocation::Jwks("https://127.0.0.1:1/keys".into()).check(&http);
    let refresh = Duration::from_secs(300);
    Arc::new(KeyFetcher::new(location.unwrap(), http, None, cooldown, refresh, MAX_AGE))
}

/// Begins a fetch that runs only when the test ends it.
fn begin(fetcher: &Arc<KeyFetcher>, now: Instant, cause: FetchCause) -> KeyFetch {
    match fetcher.update(|schedule| schedule.begin(now, cause)) {
        Begin::Fetch(fetch) => KeyFetch { fetcher: Arc::clone(fetcher), fetch, ended: false },
        _ => panic!("no fetch begins"),
    }
}

fn fetched(keys: KeySet) -> FetchedKeys {
    let until = Some(Instant::now() + MAX_AGE);
    FetchedKeys { keys: Arc::new(keys), until, ..FetchedKeys::none() }
}

fn is_ready(future: Pin<&mut impl Future>) -> bool {
    future.poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn late_keys_of_a_lost_fetch_are_ignored() {
    let (fetcher, now) = (fetcher(COOLDOWN), Instant::now());
    let mut lost = begin(&fetcher, now, FetchCause::Schedule);
    let mut replacement = begin(&fetcher, now + COOLDOWN, FetchCause::Schedule);
    lost.end(Ok(fetched(KeySet::from_iter([]))));
    assert!(fetcher.trusted(now).is_none());
    replacement.end(Ok(fetched(KeySet::from_iter([]))));
    assert!(fetcher.trusted(now).is_some());
}

/// The task of the fetch makes no progress, as on a runtime that nobody drives.
#[tokio::test(start_paused = true)]
async fn call_that_waits_for_a_lost_fetch_begins_another() {
    for cause in [FetchCause::Schedule, FetchCause::UnknownId, FetchCause::Signature] {
        let fetcher = fetcher(Duration::from_secs(1));
        let lost = begin(&fetcher, Instant::now(), FetchCause::Schedule);
        let begun = Instant::now();
        let limit = 3 * fetcher.time_limit;
        let outcome = timeout(limit, fetcher.fetch(cause)).await.expect("another fetch has ended");
        assert!(outcome.is_err(), "nobody listens");
        assert!(Instant::now() - begun >= fetcher.time_limit);
        assert!(!fetcher.schedule.borrow().is_current(&lost.fetch));
    }
}

/// Spends both fetches of a budget.
fn spend(fetcher: &Arc<KeyFetcher>, cause: FetchCause) {
    for _ in 0..2 {
        begin(fetcher, Instant::now(), cause).end(Ok(fetched(KeySet::from_iter([]))));
    }
}

#[tokio::test(start_paused = true)]
async fn thirty_two_calls_wait_for_the_budget() {
    let fetcher = fetcher(MAX_QUEUE_TIME);
    spend(&fetcher, FetchCause::UnknownId);
    let calls = |count| (0..count).map(|_| Box::pin(fetcher.fetch(FetchCause::UnknownId)));
    let mut waiting: Vec<_> = calls(40).collect();
    waiting.retain_mut(|call| !is_ready(call.as_mut()));
    assert_eq!(waiting.len(), 32);
    // A call that ends makes room for another one.
    waiting.pop();
    let mut more: Vec<_> = calls(2).collect();
    more.retain_mut(|call| !is_ready(call.as_mut()));
    assert_eq!(more.len(), 1);
    // They share the next fetch.
    tokio::time::advance(MAX_QUEUE_TIME).await;
    for call in waiting.into_iter().chain(more) {
        assert!(call.await.is_err(), "nobody listens");
    }
    assert_eq!(fetcher.schedule.borrow().failures(), 1);
}

#[tokio::test(start_paused = true)]
async fn thirty_two_calls_with_failed_signatures_wait() {
    let fetcher = fetcher(COOLDOWN);
    // They wait for a fetch in progress too.
    let _fetch = begin(&fetcher, Instant::now(), FetchCause::Schedule);
    let begun = Instant::now();
    let calls = (0..40).map(|_| Box::pin(fetcher.fetch_for_signature()));
    let mut waiting: Vec<_> = calls.collect();
    waiting.retain_mut(|call| !is_ready(call.as_mut()));
    assert_eq!(waiting.len(), 32);
    for call in waiting {
        call.await;
    }
    assert_eq!(Instant::now() - begun, MAX_SIGNATURE_TIME, "before the verifier's deadline");
}

/// A wait that is longer than the deadline of a call helps nobody.
#[tokio::test(start_paused = true)]
async fn call_whose_budget_permits_no_fetch_soon_ends_at_once() {
    for cause in [FetchCause::UnknownId, FetchCause::Signature] {
        let fetcher = fetcher(COOLDOWN);
        spend(&fetcher, cause);
        assert!(is_ready(pin!(fetcher.fetch(cause))), "{cause:?}");
        tokio::time::advance(COOLDOWN - MAX_QUEUE_TIME).await;
        assert!(!is_ready(pin!(fetcher.fetch(cause))), "{cause:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn call_that_waits_for_its_budget_gets_the_keys_of_another_fetch() {
    let fetcher = fetcher(MAX_QUEUE_TIME);
    spend(&fetcher, FetchCause::UnknownId);
    let mut call = pin!(fetcher.fetch(FetchCause::UnknownId));
    assert!(!is_ready(call.as_mut()));
    begin(&fetcher, Instant::now(), FetchCause::Signature).end(Ok(fetched(KeySet::from_iter([]))));
    assert!(is_ready(call.as_mut()));
}
