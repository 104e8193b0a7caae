//! Single flight: one fetch, shared by all callers that wait for its outcome.
//!
//! [`SingleFlight`] is plain data. Its user keeps it under the lock that also guards what a fetch
//! changes, so that the end of a fetch and the result of it become visible together:
//!
//! 1. Under the lock, a caller joins the [`current`](SingleFlight::current) fetch or
//!    [begins](SingleFlight::begin) one.
//! 2. The caller that begins a fetch spawns a task which owns the [`Fetch`]. The fetch goes on when this
//!    caller is cancelled.
//! 3. The task stores its result and removes the fetch under the lock. Then it
//!    [finishes](Fetch::finish) the fetch, without the lock, which wakes the callers that wait.
//!
//! A task stops when nobody drives its runtime. A fetch that hasn't ended within its time limit is
//! therefore *lost*: another may begin, and a late result of the lost one changes nothing.
//!
//! The three users differ in how many fetches there may be, and in what happens to the callers that wait
//! for a lost one:
//!
//! - The client's token cache has one `SingleFlight`. Its callers wait until the time limit
//!   (`outcome_in_time`), remove the lost fetch and begin another.
//! - Introspection has a map with one `SingleFlight` per token. Its callers wait for as long as the
//!   verifier's deadline permits. The next call with the same token begins another request.
//! - Remote keys have one `SingleFlight` within the fetch schedule, which also keeps a cooldown. The fetch that
//!   replaces a lost one takes over its callers.

use std::time::Duration;

use tokio::{sync::watch, time::Instant};

/// The fetch in progress, if there is one.
pub(crate) struct SingleFlight<T> {
    current: Option<Current<T>>,
}

struct Current<T> {
    /// Kept for the fetch that may replace this one.
    sender: watch::Sender<Progress<T>>,
    pending: PendingFetch<T>,
}

/// A fetch as seen by a caller that waits for it.
pub(crate) struct PendingFetch<T> {
    progress: watch::Receiver<Progress<T>>,
    number: u64,
    begun: Instant,
    time_limit: Duration,
}

/// A fetch as seen by the task that runs it.
///
/// When it is dropped without [`finish`](Fetch::finish) and has been removed from its
/// [`SingleFlight`], its callers get no outcome.
pub(crate) struct Fetch<T> {
    sender: watch::Sender<Progress<T>>,
    pending: PendingFetch<T>,
}

/// The state that a fetch shares with its callers.
struct Progress<T> {
    /// The number of the fetch that these callers wait for. It grows when a lost fetch is replaced.
    number: u64,
    outcome: Option<T>,
}

impl<T> SingleFlight<T> {
    /// The fetch in progress. It may be lost.
    pub(crate) fn current(&self) -> Option<&PendingFetch<T>> {
        self.current.as_ref().map(|current| &current.pending)
    }

    /// Returns true if `fetch` is in progress: neither removed nor replaced.
    pub(crate) fn is_current(&self, fetch: &PendingFetch<T>) -> bool {
        self.current().is_some_and(|current| {
            current.number == fetch.number && current.progress.same_channel(&fetch.progress)
        })
    }

    /// Begins a fetch that is lost after `time_limit`. If there is a current fetch, the new one replaces
    /// it and takes over its callers.
    pub(crate) fn begin(&mut self, now: Instant, time_limit: Duration) -> Fetch<T> {
        let sender = match self.current.take() {
            Some(lost) => lost.sender,
            None => watch::Sender::new(Progress { number: 0, outcome: None }),
        };
        let mut number = 0;
        sender.send_if_modified(|progress| {
            progress.number += 1;
            number = progress.number;
            false
        });
        let pending = PendingFetch { progress: sender.subscribe(), number, begun: now, time_limit };
        self.current = Some(Current { sender: sender.clone(), pending: pending.clone() });
        Fetch { sender, pending }
    }
}

impl<T> Default for SingleFlight<T> {
    fn default() -> Self {
        SingleFlight { current: None }
    }
}

impl<T> PendingFetch<T> {
    /// Returns true after the time limit. A fetch that makes progress has ended by then.
    pub(crate) fn is_lost(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.begun) >= self.time_limit
    }
}

impl<T: Clone> PendingFetch<T> {
    /// Waits for the outcome, without a time limit. `None` if the fetch was dropped without one.
    pub(crate) async fn outcome(mut self) -> Option<T> {
        let ended = self.progress.wait_for(|progress| progress.outcome.is_some()).await;
        ended.ok()?.outcome.clone()
    }

    /// Waits for the outcome, at most until the fetch is lost. `None` if the fetch is lost, or was dropped
    /// without an outcome.
    #[cfg(feature = "client")]
    pub(crate) async fn outcome_in_time(self) -> Option<T> {
        // A timer panics outside of a runtime, and a known outcome needs none.
        let known = self.progress.borrow().outcome.clone();
        if known.is_some() {
            return known;
        }
        match self.begun.checked_add(self.time_limit) {
            Some(deadline) => {
                tokio::time::timeout_at(deadline, self.outcome()).await.ok().flatten()
            }
            None => self.outcome().await,
        }
    }
}

impl<T> Clone for PendingFetch<T> {
    fn clone(&self) -> Self {
        PendingFetch { progress: self.progress.clone(), ..*self }
    }
}

impl<T> Fetch<T> {
    /// The fetch as seen by a caller that waits for it.
    pub(crate) fn pending(&self) -> &PendingFetch<T> {
        &self.pending
    }

    /// Wakes the callers that wait, with `outcome`. Does nothing if another fetch has taken them over.
    pub(crate) fn finish(&self, outcome: T) {
        self.sender.send_if_modified(|progress| {
            let current = progress.number == self.pending.number;
            if current {
                progress.outcome = Some(outcome);
            }
            current
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(1);

    /// The outcome of `pending`, which must be known.
    async fn outcome(pending: &PendingFetch<u8>) -> Option<u8> {
        let ended = tokio::time::timeout(Duration::ZERO, pending.clone().outcome()).await;
        ended.expect("the fetch has ended")
    }

    #[tokio::test(start_paused = true)]
    async fn all_callers_get_the_outcome_of_one_fetch() {
        let mut flight = SingleFlight::default();
        assert!(flight.current().is_none());
        let fetch = flight.begin(Instant::now(), LIMIT);
        let callers = [(); 3].map(|()| flight.current().unwrap().clone());
        assert!(callers.iter().all(|caller| flight.is_current(caller)));
        flight = SingleFlight::default();
        assert!(!flight.is_current(fetch.pending()));
        fetch.finish(1);
        for caller in &callers {
            assert_eq!(outcome(caller).await, Some(1));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn fetch_is_lost_at_its_time_limit() {
        let now = Instant::now();
        let mut flight = SingleFlight::<u8>::default();
        let fetch = flight.begin(now, LIMIT);
        assert!(!fetch.pending().is_lost(now + LIMIT - Duration::from_nanos(1)));
        assert!(fetch.pending().is_lost(now + LIMIT));
        let endless = SingleFlight::<u8>::default().begin(now, Duration::MAX);
        assert!(!endless.pending().is_lost(now + 1000 * LIMIT));
    }

    #[tokio::test(start_paused = true)]
    async fn replacement_takes_over_the_callers_of_a_lost_fetch() {
        let mut flight = SingleFlight::default();
        let lost = flight.begin(Instant::now(), LIMIT);
        let caller = lost.pending().clone();
        let replacement = flight.begin(Instant::now(), LIMIT);
        assert!(!flight.is_current(lost.pending()) && flight.is_current(replacement.pending()));
        lost.finish(1);
        let waits = tokio::time::timeout(Duration::ZERO, caller.clone().outcome()).await;
        assert!(waits.is_err(), "the outcome of the lost fetch changes nothing");
        replacement.finish(2);
        assert_eq!(outcome(&caller).await, Some(2));
    }

    #[tokio::test(start_paused = true)]
    async fn removed_fetch_still_reaches_its_own_callers() {
        let mut flight = SingleFlight::default();
        let removed = flight.begin(Instant::now(), LIMIT);
        flight = SingleFlight::default();
        let next = flight.begin(Instant::now(), LIMIT);
        assert!(!flight.is_current(removed.pending()), "both have the number 1");
        next.finish(2);
        removed.finish(1);
        assert_eq!(outcome(removed.pending()).await, Some(1));
        assert_eq!(outcome(next.pending()).await, Some(2));
    }

    #[tokio::test(start_paused = true)]
    async fn dropped_fetch_has_no_outcome() {
        let mut flight = SingleFlight::<u8>::default();
        let fetch = flight.begin(Instant::now(), LIMIT);
        let caller = fetch.pending().clone();
        drop(flight);
        drop(fetch);
        assert_eq!(outcome(&caller).await, None);
    }

    #[cfg(feature = "client")]
    #[tokio::test(start_paused = true)]
    async fn wait_for_a_lost_fetch_ends_at_its_time_limit() {
        let begun = Instant::now();
        let fetch = SingleFlight::<u8>::default().begin(begun, LIMIT);
        let caller = fetch.pending().clone();
        assert_eq!(caller.clone().outcome_in_time().await, None);
        assert_eq!(Instant::now() - begun, LIMIT);
        fetch.finish(1);
        assert_eq!(caller.outcome_in_time().await, Some(1), "the outcome is known");
    }
}
