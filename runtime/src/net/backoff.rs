//! Exponential backoff: how long to wait after failed fetches.

use std::time::Duration;

use crate::net::jitter::random_share;

/// The pauses after consecutive failures.
///
/// The client half spreads its pauses in both directions, as gRPC does. Remote keys have a documented
/// schedule, so their pauses are only brought forward: see `jitter`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    /// The pause after the first failure.
    pub(crate) first: Duration,
    /// What each further failure multiplies the pause by.
    pub(crate) factor: f64,
    /// The longest pause, before jitter.
    pub(crate) max: Duration,
    /// The largest share of a pause that is added or subtracted at random.
    pub(crate) jitter: f64,
}

impl Backoff {
    /// The pause after the last of `failures` consecutive failures.
    pub(crate) fn pause(&self, failures: u32) -> Duration {
        let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
        let pause = self.first.as_secs_f64() * self.factor.powi(exponent);
        let pause = pause.min(self.max.as_secs_f64());
        let spread = 2.0 * self.jitter * random_share();
        Duration::from_secs_f64(pause * (1.0 - self.jitter + spread))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_without_jitter_are_exact() {
        let first = Duration::from_millis(33);
        let backoff = Backoff { first, factor: 2.0, max: 100 * first, jitter: 0.0 };
        for (failures, pause) in [(0, 1), (1, 1), (2, 2), (7, 64), (8, 100), (u32::MAX, 100)] {
            assert_eq!(backoff.pause(failures), pause * first, "{failures}");
        }
    }

    #[test]
    fn jitter_stays_within_its_share() {
        let (first, max) = (Duration::from_secs(1), Duration::from_secs(120));
        let backoff = Backoff { first, factor: 1.6, max, jitter: 0.2 };
        for _ in 0..100 {
            assert!((0.8..=1.2).contains(&backoff.pause(1).as_secs_f64()));
            assert!((96.0..=144.0).contains(&backoff.pause(4000).as_secs_f64()));
        }
    }
}
