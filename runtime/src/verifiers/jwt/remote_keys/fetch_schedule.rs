//! The schedule of fetches: when one may begin and when the next is due.
//!
//! Plain data that takes the time as an argument, so that tests need no clock.

use std::time::Duration;

use tokio::time::Instant;

use super::fetch_budget::FetchBudget;
use crate::net::{
    backoff::Backoff,
    http_client::HttpError,
    jitter::bring_forward,
    single_flight::{Fetch, PendingFetch, SingleFlight},
};

/// The outcome of a fetch. The keys are stored elsewhere.
pub(super) type KeyFetchResult = Result<(), HttpError>;

/// Why keys are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FetchCause {
    /// The schedule, or a call while no keys are trusted.
    Schedule,
    /// A token has a `kid` that no key has.
    UnknownId,
    /// A token names a key, and its signature isn't by that key. The issuer may have reused the `kid`.
    Signature,
}

/// Keeps fetches apart, lets one run at a time, and delays the next one while they fail.
///
/// Calls with unknown key ids and calls with failed signatures have a budget each. All other fetches are apart
/// by a cooldown.
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
    /// Why the last fetch began.
    cause: FetchCause,
    /// How long after the beginning of the last fetch the next is due.
    pause: Duration,
    /// The share of `pause` by which it is shortened at random, at most.
    jitter: f64,
    unknown_ids: FetchBudget,
    signatures: FetchBudget,
}

/// The next step of a call that needs a fetch.
pub(super) enum Begin {
    /// Run this fetch.
    Fetch(Fetch<KeyFetchResult>),
    /// Wait for this one, which is in progress.
    Join(PendingFetch<KeyFetchResult>),
    /// Nothing: the last fetch is too recent. This is its outcome.
    Cooldown(KeyFetchResult),
    /// Nothing: the budget permits the next fetch at this time. This is the outcome of the last one.
    Exhausted(Instant, KeyFetchResult),
}

impl FetchSchedule {
    /// The schedule before the first fetch.
    pub(super) fn new(
        cooldown: Duration,
        refresh_every: Duration,
        time_limit: Duration,
        jitter: f64,
    ) -> Self {
        FetchSchedule {
            cooldown,
            refresh_every,
            time_limit,
            flight: SingleFlight::default(),
            begun: None,
            failures: 0,
            last: Ok(()),
            cause: FetchCause::Schedule,
            pause: refresh_every,
            jitter,
            unknown_ids: FetchBudget::new(cooldown),
            signatures: FetchBudget::new(cooldown),
        }
    }

    /// Begins a fetch, unless one is in progress or it is too early for another.
    pub(super) fn begin(&mut self, now: Instant, cause: FetchCause) -> Begin {
        let cooling = self.begun.is_some_and(|begun| now < begun + self.cooldown);
        match self.flight.current() {
            Some(pending) if cooling || !pending.is_lost(now) => Begin::Join(pending.clone()),
            // The fetch that replaces a lost one is on no budget.
            Some(_) => self.begin_now(now, cause),
            None => {
                let budget = match cause {
                    FetchCause::Schedule if cooling => return Begin::Cooldown(self.last.clone()),
                    FetchCause::Schedule => return self.begin_now(now, cause),
                    FetchCause::UnknownId => &mut self.unknown_ids,
                    FetchCause::Signature => &mut self.signatures,
                };
                let next = budget.next(now);
                if next > now {
                    return Begin::Exhausted(next, self.last.clone());
                }
                budget.spend(now);
                self.begin_now(now, cause)
            }
        }
    }

    fn begin_now(&mut self, now: Instant, cause: FetchCause) -> Begin {
        self.begun = Some(now);
        self.cause = cause;
        Begin::Fetch(self.flight.begin(now, self.time_limit))
    }

    /// The outcome of the last fetch. `None` while one is in progress.
    pub(super) fn last_outcome(&self) -> Option<KeyFetchResult> {
        self.flight.current().is_none().then(|| self.last.clone())
    }

    #[cfg(test)]
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Why the last fetch began.
    pub(super) fn cause(&self) -> FetchCause {
        self.cause
    }

    /// Begins the fetch that is due or that replaces a lost one, and none earlier.
    pub(super) fn begin_if_due(&mut self, now: Instant) -> Begin {
        match (self.flight.current(), self.due()) {
            (Some(pending), _) if !pending.is_lost(now) => Begin::Join(pending.clone()),
            (None, due) if due.is_none_or(|due| now < due) => Begin::Cooldown(self.last.clone()),
            _ => self.begin(now, FetchCause::Schedule),
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
        let pause = match self.failures {
            0 => self.refresh_every,
            failures => {
                let (first, max) = (self.cooldown, self.refresh_every);
                Backoff { first, factor: 2.0, max, jitter: 0.0 }.pause(failures)
            }
        };
        self.pause = bring_forward(pause, self.jitter).max(self.cooldown);
    }

    /// When the next fetch is due, if no token needs one earlier. `None` while one is in progress, and
    /// before the first.
    pub(super) fn due(&self) -> Option<Instant> {
        let begun = self.begun.filter(|_| self.flight.current().is_none())?;
        Some(begun + self.pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COOLDOWN: Duration = Duration::from_secs(30);
    const REFRESH: Duration = Duration::from_secs(300);
    const TIME_LIMIT: Duration = Duration::from_secs(90);

    fn schedule(cooldown: Duration) -> FetchSchedule {
        FetchSchedule::new(cooldown, REFRESH, TIME_LIMIT, 0.0)
    }

    fn begun(begin: Begin) -> Fetch<KeyFetchResult> {
        match begin {
            Begin::Fetch(fetch) => fetch,
            _ => panic!("no fetch begins"),
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
        let mut schedule = schedule(COOLDOWN);
        begun(schedule.begin(start, FetchCause::Schedule));
        // A slow fetch is shared.
        assert!(waits(schedule.begin(start + 2 * COOLDOWN, FetchCause::Schedule)));
        for outcome in [Ok(()), failed()] {
            schedule.end(outcome);
        }
        assert!(waits(
            schedule.begin(start + COOLDOWN - Duration::from_nanos(1), FetchCause::Schedule)
        ));
        begun(schedule.begin(start + COOLDOWN, FetchCause::Schedule));
    }

    #[test]
    fn lost_fetch_is_replaced() {
        let start = Instant::now();
        let mut schedule = schedule(COOLDOWN);
        let fetch_1 = begun(schedule.begin(start, FetchCause::Schedule));
        let early = start + TIME_LIMIT - Duration::from_nanos(1);
        assert!(waits(schedule.begin(early, FetchCause::Schedule)));
        assert!(waits(schedule.begin_if_due(early)));
        let fetch_2 = begun(schedule.begin_if_due(start + TIME_LIMIT));
        assert!(!schedule.is_current(&fetch_1), "its outcome is ignored");
        assert!(schedule.is_current(&fetch_2));
        begun(schedule.begin(start + 2 * TIME_LIMIT, FetchCause::Schedule));
    }

    #[tokio::test]
    async fn caller_gets_the_outcome_of_its_fetch_although_the_next_one_has_begun() {
        for outcome in [Ok(()), failed()] {
            let start = Instant::now();
            let mut schedule = schedule(COOLDOWN);
            let fetch = begun(schedule.begin(start, FetchCause::Schedule));
            let Begin::Join(caller) = schedule.begin(start, FetchCause::Schedule) else {
                panic!("no fetch to join")
            };
            schedule.end(outcome.clone());
            // Before the caller is woken.
            let _next = begun(schedule.begin(start + COOLDOWN, FetchCause::Schedule));
            fetch.finish(outcome.clone());
            let got = tokio::time::timeout(Duration::ZERO, caller.outcome()).await;
            let got = got.expect("it doesn't wait for the next fetch").expect("an outcome");
            assert_eq!(got.is_ok(), outcome.is_ok());
        }
    }

    #[test]
    fn lost_fetch_is_not_replaced_within_the_cooldown() {
        let start = Instant::now();
        let mut schedule = schedule(2 * TIME_LIMIT);
        begun(schedule.begin(start, FetchCause::Schedule));
        assert!(waits(schedule.begin(start + TIME_LIMIT, FetchCause::Schedule)));
        begun(schedule.begin(start + 2 * TIME_LIMIT, FetchCause::Schedule));
    }

    #[test]
    fn due_fetch_begins_and_none_earlier() {
        let start = Instant::now();
        let mut schedule = schedule(COOLDOWN);
        assert!(waits(schedule.begin_if_due(start)), "no token needed a fetch yet");
        begun(schedule.begin(start, FetchCause::Schedule));
        schedule.end(Ok(()));
        assert!(waits(schedule.begin_if_due(start + 2 * COOLDOWN)));
        begun(schedule.begin_if_due(start + REFRESH));
    }

    #[test]
    fn next_fetch_is_delayed_while_fetches_fail() {
        let mut now = Instant::now();
        let mut schedule = schedule(COOLDOWN);
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
            begun(schedule.begin(now, FetchCause::Schedule));
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

    /// The burst of one budget leaves the other whole, and scheduled fetches take from neither.
    #[test]
    fn unknown_ids_and_signatures_have_budgets_of_their_own() {
        let now = Instant::now();
        for (cause, other) in [
            (FetchCause::UnknownId, FetchCause::Signature),
            (FetchCause::Signature, FetchCause::UnknownId),
        ] {
            let mut schedule = schedule(COOLDOWN);
            let fetches = |schedule: &mut FetchSchedule, now, cause| {
                let fetch = matches!(schedule.begin(now, cause), Begin::Fetch(_));
                if fetch {
                    schedule.end(Ok(()));
                }
                fetch
            };
            assert!(fetches(&mut schedule, now, FetchCause::Schedule));
            assert!(fetches(&mut schedule, now, cause) && fetches(&mut schedule, now, cause));
            match schedule.begin(now, cause) {
                Begin::Exhausted(next, Ok(())) => assert_eq!(next, now + COOLDOWN),
                _ => panic!("the budget is spent"),
            }
            assert!(fetches(&mut schedule, now, other) && fetches(&mut schedule, now, other));
            assert!(!fetches(&mut schedule, now, other));
            assert!(!fetches(&mut schedule, now, FetchCause::Schedule), "within the cooldown");
            let later = now + COOLDOWN;
            assert!(fetches(&mut schedule, later, FetchCause::Schedule));
            assert!(fetches(&mut schedule, later, cause) && !fetches(&mut schedule, later, cause));
        }
    }

    #[test]
    fn jitter_brings_fetches_forward_and_not_into_the_cooldown() {
        let (now, mut all) = (Instant::now(), Vec::new());
        for _ in 0..200 {
            let mut schedule = FetchSchedule::new(COOLDOWN, REFRESH, TIME_LIMIT, 0.1);
            begun(schedule.begin(now, FetchCause::Schedule));
            schedule.end(Ok(()));
            let due = schedule.due().unwrap();
            assert_eq!(schedule.due(), Some(due), "it doesn't change while it is waited for");
            all.push(due - now);
            schedule.end(failed());
            assert_eq!(schedule.due(), Some(now + COOLDOWN), "the shortest pause");
        }
        assert!(all.iter().all(|pause| (REFRESH.mul_f64(0.9)..=REFRESH).contains(pause)));
        assert!(*all.iter().max().unwrap() - *all.iter().min().unwrap() > Duration::from_secs(15));
    }
}
