//! When a fetch may begin, and when the next one is due. On plain data, so that a test can turn the
//! clock.

use std::time::Duration;

use tokio::time::Instant;

use crate::net::http_client::HttpError;

/// The fetches so far.
pub(super) struct Attempts {
    cooldown: Duration,
    refresh_every: Duration,
    /// How long one may take. One that takes longer isn't run any more.
    longest: Duration,
    running: bool,
    /// How many have begun.
    number: u64,
    begun: Option<Instant>,
    /// How many failed since the last one that didn't.
    failures: u32,
    last: Result<(), HttpError>,
}

/// Whether a fetch begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// Who asked begins it. It has this number.
    Now(u64),
    /// One is under way, or the last one is too near.
    Wait,
}

impl Attempts {
    pub(super) fn none(cooldown: Duration, refresh_every: Duration, longest: Duration) -> Self {
        Attempts {
            cooldown,
            refresh_every,
            longest,
            running: false,
            number: 0,
            begun: None,
            failures: 0,
            last: Ok(()),
        }
    }

    pub(super) fn begin(&mut self, now: Instant) -> Begin {
        let cooling = self.begun.is_some_and(|begun| now < begun + self.cooldown);
        if cooling || (self.running && !self.is_lost(now)) {
            return Begin::Wait;
        }
        self.running = true;
        self.number = self.number.wrapping_add(1);
        self.begun = Some(now);
        Begin::Now(self.number)
    }

    /// Begins the one that is due, and none before.
    pub(super) fn begin_if_due(&mut self, now: Instant) -> Begin {
        let due = self.due().is_some_and(|due| due <= now);
        if due || (self.running && self.is_lost(now)) { self.begin(now) } else { Begin::Wait }
    }

    fn is_lost(&self, now: Instant) -> bool {
        self.begun.is_some_and(|begun| now.duration_since(begun) >= self.longest)
    }

    /// Whether no other has begun since that one did.
    pub(super) fn is_current(&self, number: u64) -> bool {
        self.number == number
    }

    pub(super) fn end(&mut self, outcome: Result<(), HttpError>) {
        self.running = false;
        self.failures = match outcome {
            Ok(()) => 0,
            Err(_) => self.failures.saturating_add(1),
        };
        self.last = outcome;
    }

    pub(super) fn running(&self) -> bool {
        self.running
    }

    /// How the last one ended.
    pub(super) fn last(&self) -> Result<(), HttpError> {
        self.last.clone()
    }

    /// When the next one is due if nobody asks before. `None` while one is under way, and before the
    /// first.
    pub(super) fn due(&self) -> Option<Instant> {
        let begun = self.begun.filter(|_| !self.running)?;
        let wait = match self.failures.checked_sub(1) {
            None => self.refresh_every,
            Some(again) => {
                let wait = self.cooldown.saturating_mul(2_u32.saturating_pow(again));
                wait.min(self.refresh_every)
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
    const LONGEST: Duration = Duration::from_secs(90);

    fn failed() -> Result<(), HttpError> {
        Err(HttpError::mistake("down"))
    }

    #[test]
    fn one_begins_when_none_is_under_way_and_the_last_is_long_enough_ago() {
        let start = Instant::now();
        let mut attempts = Attempts::none(COOLDOWN, REFRESH, LONGEST);
        assert_eq!(attempts.begin(start), Begin::Now(1));
        // One that takes long isn't joined by another.
        assert_eq!(attempts.begin(start + 2 * COOLDOWN), Begin::Wait);
        for outcome in [Ok(()), failed()] {
            attempts.end(outcome);
        }
        assert_eq!(attempts.begin(start + COOLDOWN - Duration::from_nanos(1)), Begin::Wait);
        assert_eq!(attempts.begin(start + COOLDOWN), Begin::Now(2));
    }

    #[test]
    fn one_that_nobody_runs_any_more_gives_way() {
        let start = Instant::now();
        let mut attempts = Attempts::none(COOLDOWN, REFRESH, LONGEST);
        assert_eq!(attempts.begin(start), Begin::Now(1));
        let early = start + LONGEST - Duration::from_nanos(1);
        assert_eq!(attempts.begin(early), Begin::Wait);
        assert_eq!(attempts.begin_if_due(early), Begin::Wait);
        assert_eq!(attempts.begin_if_due(start + LONGEST), Begin::Now(2));
        assert!(!attempts.is_current(1), "what it says is of no account");
        assert!(attempts.is_current(2));
        assert_eq!(attempts.begin(start + 2 * LONGEST), Begin::Now(3));
    }

    #[test]
    fn what_is_due_begins_and_nothing_before() {
        let start = Instant::now();
        let mut attempts = Attempts::none(COOLDOWN, REFRESH, LONGEST);
        assert_eq!(attempts.begin_if_due(start), Begin::Wait, "nobody has asked yet");
        assert_eq!(attempts.begin(start), Begin::Now(1));
        attempts.end(Ok(()));
        assert_eq!(attempts.begin_if_due(start + 2 * COOLDOWN), Begin::Wait);
        assert_eq!(attempts.begin_if_due(start + REFRESH), Begin::Now(2));
    }

    #[test]
    fn one_is_due_later_and_later_while_they_fail() {
        let mut now = Instant::now();
        let mut attempts = Attempts::none(COOLDOWN, REFRESH, LONGEST);
        assert_eq!(attempts.due(), None, "nobody has asked yet");
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
            assert!(matches!(attempts.begin(now), Begin::Now(_)));
            assert_eq!(attempts.due(), None, "it is under way");
            attempts.end(outcome);
            let due = now + Duration::from_secs(wait);
            assert_eq!(attempts.due(), Some(due));
            now = due;
        }
        for _ in 0..100 {
            attempts.end(failed());
        }
        assert_eq!(attempts.due(), Some(now - COOLDOWN + REFRESH), "however many fail");
    }
}
