//! The schedule of fetches: when one may begin and when the next is due.
//!
//! Plain data that takes the time as an argument, so that tests need no clock.

use std::time::Duration;

use tokio::time::Instant;

use crate::net::{
    backoff::Backoff,
    http_client::HttpError,
    single_flight::{Fetch, PendingFetch, SingleFlight},
};

/// The outcome of a fetch. The keys are stored elsewhere.
pub(super) type KeyFetchResult = Result<(), HttpError>;

/// Keeps fetches apart by a cooldown, lets one run at a time, and delays the next one while they fail.
pub(super) struct FetchSchedule {
    cooldown: Duration,
    refresh_every: Duration,
    /// How long one fetch may take. One that takes longer is lost.
    time_limit: Duration,
    flight: SingleFlight<KeyFetchResult>,
    /// When the last fetch began.
    begun: Option<Instant>,
    /// The number of failures since the last success.
    failures: u32,
    last: KeyFetchResult,
}

/// The next step of a call that needs a fetch.
pub(super) enum Begin {
    /// Run this fetch.
    Fetch(Fetch<KeyFetchResult>),
    /// Wait for this one, which is in progress.
    Join(PendingFetch<KeyFetchResult>),
    /// Nothing: the last fetch is too recent. This is its outcome.
    Cooldown(KeyFetchResult),
}

impl FetchSchedule {
    /// The schedule before the first fetch.
    pub(super) fn new(cooldown: Duration, refresh_every: Duration, time_limit: Duration) -> Self {
        FetchSchedule {
            cooldown,
            refresh_every,
            time_limit,
            flight: SingleFlight::default(),
            begun: None,
            failures: 0,
            last: Ok(()),
        }
    }

    /// Begins a fetch, unless one is in progress or the cooldown hasn't passed.
    pub(super) fn begin(&mut self, now: Instant) -> Begin {
        let cooling = self.begun.is_some_and(|begun| now < begun + self.cooldown);
        match self.flight.current() {
            Some(pending) if cooling || !pending.is_lost(now) => Begin::Join(pending.clone()),
            None if cooling => Begin::Cooldown(self.last.clone()),
            _ => {
                self.begun = Some(now);
                Begin::Fetch(self.flight.begin(now, self.time_limit))
            }
        }
    }

    /// Begins the fetch that is due or that replaces a lost one, and none earlier.
    pub(super) fn begin_if_due(&mut self, now: Instant) -> Begin {
        match (self.flight.current(), self.due()) {
            (Some(pending), _) if !pending.is_lost(now) => Begin::Join(pending.clone()),
            (None, due) if due.is_none_or(|due| now < due) => Begin::Cooldown(self.last.clone()),
            _ => self.begin(now),
        }
    }

    /// Returns true if `fetch` is in progress: neither ended nor replaced.
    pub(super) fn is_current(&self, fetch: &Fetch<KeyFetchResult>) -> bool {
        self.flight.is_current(fetch.pending())
    }

    /// Ends the fetch in progress.
    pub(super) fn end(&mut self, outcome: KeyFetchResult) {
        self.flight = SingleFlight::default();
        self.failures = match outcome {
            Ok(()) => 0,
            Err(_) => self.failures.saturating_add(1),
        };
        self.last = outcome;
    }

    /// When the next fetch is due, if no token needs one earlier. `None` while one is in progress, and
    /// before the first.
    pub(super) fn due(&self) -> Option<Instant> {
        let begun = self.begun.filter(|_| self.flight.current().is_none())?;
        let wait = match self.failures {
            0 => self.refresh_every,
            failures => {
                let (first, max) = (self.cooldown, self.refresh_every);
                Backoff { first, factor: 2.0, max, jitter: 0.0 }.pause(failures)
            }
        };
        Some(begun + wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COOLDOWN: Duration = Duration::from_secs(30);
    const REFRESH: Duration = Duration::from_secs(300);
    const TIME_LIMIT: Duration = Duration::from_secs(90);

    fn begun(begin: Begin) -> Fetch<KeyFetchResult> {
        match begin {
            Begin::Fetch(fetch) => fetch,
            Begin::Join(_) | Begin::Cooldown(_) => panic!("no fetch begins"),
        }
    }

    fn waits(begin: Begin) -> bool {
        !matches!(begin, Begin::Fetch(_))
    }

    fn failed() -> KeyFetchResult {
        Err(HttpError::other("down"))
    }

    #[test]
    fn fetch_begins_after_the_last_one_and_its_cooldown() {
        let start = Instant::now();
        let mut schedule = FetchSchedule::new(COOLDOWN, REFRESH, TIME_LIMIT);
        begun(schedule.begin(start));
        // A slow fetch is shared.
        assert!(waits(schedule.begin(start + 2 * COOLDOWN)));
        for outcome in [Ok(()), failed()] {
            schedule.end(outcome);
        }
        assert!(waits(schedule.begin(start + COOLDOWN - Duration::from_nanos(1))));
        begun(schedule.begin(start + COOLDOWN));
    }

    #[test]
    fn lost_fetch_is_replaced() {
        let start = Instant::now();
        let mut schedule = FetchSchedule::new(COOLDOWN, REFRESH, TIME_LIMIT);
        let fetch_1 = begun(schedule.begin(start));
        let early = start + TIME_LIMIT - Duration::from_nanos(1);
        assert!(waits(schedule.begin(early)));
        assert!(waits(schedule.begin_if_due(early)));
        let fetch_2 = begun(schedule.begin_if_due(start + TIME_LIMIT));
        assert!(!schedule.is_current(&fetch_1), "its outcome is ignored");
        assert!(schedule.is_current(&fetch_2));
        begun(schedule.begin(start + 2 * TIME_LIMIT));
    }

    #[tokio::test]
    async fn caller_gets_the_outcome_of_its_fetch_although_the_next_one_has_begun() {
        for outcome in [Ok(()), failed()] {
            let start = Instant::now();
            let mut schedule = FetchSchedule::new(COOLDOWN, REFRESH, TIME_LIMIT);
            let fetch = begun(schedule.begin(start));
            let Begin::Join(caller) = schedule.begin(start) else { panic!("no fetch to join") };
            schedule.end(outcome.clone());
            // Before the caller is woken.
            let _next = begun(schedule.begin(start + COOLDOWN));
            fetch.finish(outcome.clone());
            let got = tokio::time::timeout(Duration::ZERO, caller.outcome()).await;
            let got = got.expect("it doesn't wait for the next fetch").expect("an outcome");
            assert_eq!(got.is_ok(), outcome.is_ok());
        }
    }

    #[test]
    fn lost_fetch_is_not_replaced_within_the_cooldown() {
        let start = Instant::now();
        let mut schedule = FetchSchedule::new(2 * TIME_LIMIT, REFRESH, TIME_LIMIT);
        begun(schedule.begin(start));
        assert!(waits(schedule.begin(start + TIME_LIMIT)));
        begun(schedule.begin(start + 2 * TIME_LIMIT));
    }

    #[test]
    fn due_fetch_begins_and_none_earlier() {
        let start = Instant::now();
        let mut schedule = FetchSchedule::new(COOLDOWN, REFRESH, TIME_LIMIT);
        assert!(waits(schedule.begin_if_due(start)), "no token needed a fetch yet");
        begun(schedule.begin(start));
        schedule.end(Ok(()));
        assert!(waits(schedule.begin_if_due(start + 2 * COOLDOWN)));
        begun(schedule.begin_if_due(start + REFRESH));
    }

    #[test]
    fn next_fetch_is_delayed_while_fetches_fail() {
        let mut now = Instant::now();
        let mut schedule = FetchSchedule::new(COOLDOWN, REFRESH, TIME_LIMIT);
        assert_eq!(schedule.due(), None, "no token needed a fetch yet");
        for (outcome, wait) in [
            (Ok(()), 300),
            (failed(), 30),
            (failed(), 60),
            (failed(), 120),
            (failed(), 240),
            (failed(), 300),
            (Ok(()), 300),
            (failed(), 30),
        ] {
            begun(schedule.begin(now));
            assert_eq!(schedule.due(), None, "one is in progress");
            schedule.end(outcome);
            let due = now + Duration::from_secs(wait);
            assert_eq!(schedule.due(), Some(due));
            now = due;
        }
        for _ in 0..100 {
            schedule.end(failed());
        }
        assert_eq!(schedule.due(), Some(now - COOLDOWN + REFRESH), "after any number of failures");
    }
}
