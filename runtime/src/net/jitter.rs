//! Jitter: spreads the requests of many processes that started together.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// The largest share of a pause that [`bring_forward`] takes away from a background refresh.
pub(crate) const REFRESH_JITTER: f64 = 0.1;

/// Returns `pause`, shortened by a random part of at most `share` of it. It is never longer than `pause`, so
/// that a documented bound on the age of keys or tokens holds.
pub(crate) fn bring_forward(pause: Duration, share: f64) -> Duration {
    pause.saturating_sub(pause.mul_f64(share.clamp(0.0, 1.0) * random_share()))
}

/// A random number from 0 to 1.
///
/// Jitter protects no secret, so the seed of the standard library's hash maps is random enough.
pub(crate) fn random_share() -> f64 {
    RandomState::new().hash_one(0) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pause_is_shortened_by_at_most_its_share() {
        let pause = Duration::from_secs(300);
        let pauses: Vec<_> = (0..200).map(|_| bring_forward(pause, REFRESH_JITTER)).collect();
        assert!(pauses.iter().all(|short| (pause.mul_f64(0.9)..=pause).contains(short)));
        let (min, max) = (pauses.iter().min().unwrap(), pauses.iter().max().unwrap());
        assert!(*max - *min > Duration::from_secs(15), "{min:?} to {max:?}");
    }

    #[test]
    fn pause_without_jitter_is_exact() {
        for pause in [Duration::ZERO, Duration::from_secs(1), Duration::MAX] {
            assert_eq!(bring_forward(pause, 0.0), pause);
        }
        // The longest pause must not overflow.
        assert!(bring_forward(Duration::MAX / 2, 1.0) <= Duration::MAX / 2);
    }
}
