//! When a fetch may begin, and when the next one is due. On plain data, so that a test can turn the
//! clock.

use std::time::Duration;

use tokio::time::Instant;

use crate::http_client::HttpError;

/// The fetches so far.
pub(super) struct Attempts {
    cooldown: Duration,
    refresh_every: Duration,
    running: bool,
    begun: Option<Instant>,
    /// How many failed since the last one that didn't.
    failures: u32,
    last: Result<(), HttpError>,
}

/// Whether a fetch begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// Who asked begins it.
    Now,
    /// One is under way, or the last one is too near.
    Wait,
}

impl Attempts {
    pub(super) fn none(cooldown: Duration, refresh_every: Duration) -> Self {
        Attempts { cooldown, refresh_every, running: false, begun: None, failures: 0, last: Ok(()) }
    }

    pub(super) fn begin(&mut self, now: Instant) -> Begin {
        let cooling = self.begun.is_some_and(|begun| now < begun + self.cooldown);
        if self.running || cooling {
            return Begin::Wait;
        }
        self.running = true;
        self.begun = Some(now);
        Begin::Now
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

    fn failed() -> Result<(), HttpError> {
        Err(HttpError::mistake("down"))
    }

    #[test]
    fn one_begins_when_none_is_under_way_and_the_last_is_long_enough_ago() {
        let start = Instant::now();
        let mut attempts = Attempts::none(COOLDOWN, REFRESH);
        assert_eq!(attempts.begin(start), Begin::Now);
        // One that takes long isn't joined by another.
        assert_eq!(attempts.begin(start + 2 * COOLDOWN), Begin::Wait);
        for outcome in [Ok(()), failed()] {
            attempts.end(outcome);
        }
        assert_eq!(attempts.begin(start + COOLDOWN - Duration::from_nanos(1)), Begin::Wait);
        assert_eq!(attempts.begin(start + COOLDOWN), Begin::Now);
    }

    #[test]
    fn one_is_due_later_and_later_while_they_fail() {
        let mut now = Instant::now();
        let mut attempts = Attempts::none(COOLDOWN, REFRESH);
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
            assert_eq!(attempts.begin(now), Begin::Now);
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
