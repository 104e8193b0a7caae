//! The period in which a token is valid, and the clocks that it is compared with.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// One moment on two clocks: the wall clock, which dates tokens, and the monotonic clock, which nobody
/// can set back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    /// Seconds since 1970, like a NumericDate (RFC 7519, section 2).
    wall: f64,
    monotonic: Instant,
}

impl Now {
    pub(crate) fn read() -> Now {
        // A wall clock before 1970 isn't set. With this value every token has expired.
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let wall = since.map_or(f64::INFINITY, |since| since.as_secs_f64());
        Now { wall, monotonic: Instant::now() }
    }

    #[cfg(test)]
    pub(crate) fn at(wall: f64, monotonic: Instant) -> Now {
        Now { wall, monotonic }
    }

    /// Seconds since 1970.
    #[cfg(feature = "jwt")]
    pub(crate) fn wall(&self) -> f64 {
        self.wall
    }

    pub(crate) fn monotonic(&self) -> Instant {
        self.monotonic
    }
}

/// The period in which a token is valid, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetime {
    not_before: f64,
    expires_at: f64,
}

/// Why a token isn't valid now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LifetimeError {
    NotYetValid,
    Expired,
}

impl Lifetime {
    /// The period from `nbf` to `exp`. A missing date leaves its side open.
    pub(crate) fn new(nbf: Option<f64>, exp: Option<f64>) -> Lifetime {
        Lifetime {
            not_before: nbf.unwrap_or(f64::NEG_INFINITY),
            expires_at: exp.unwrap_or(f64::INFINITY),
        }
    }

    /// Moves the start earlier by the clock skew.
    pub(crate) fn allow_early(self, skew: Duration) -> Lifetime {
        Lifetime { not_before: self.not_before - skew.as_secs_f64(), ..self }
    }

    /// Moves the end later by the clock skew.
    pub(crate) fn allow_late(self, skew: Duration) -> Lifetime {
        Lifetime { expires_at: self.expires_at + skew.as_secs_f64(), ..self }
    }

    /// Checks that `now` is within the period, which excludes its end (RFC 7519, section 4.1.4).
    pub(crate) fn check(&self, now: Now) -> Result<(), LifetimeError> {
        if now.wall >= self.expires_at {
            Err(LifetimeError::Expired)
        } else if now.wall < self.not_before {
            Err(LifetimeError::NotYetValid)
        } else {
            Ok(())
        }
    }

    /// The time from `now` to the end of the period, at most `max`.
    pub(crate) fn remaining(&self, now: Now, max: Duration) -> Duration {
        let remaining = (self.expires_at - now.wall).clamp(0.0, max.as_secs_f64());
        Duration::try_from_secs_f64(remaining).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_valid_between_its_dates() {
        let skew = Duration::from_secs(60);
        let exact = Lifetime::new(Some(1000.5), Some(2000.5));
        let forever = Lifetime::new(None, None);
        for (lifetime, wall, expected) in [
            (exact, 1000.4, Err(LifetimeError::NotYetValid)),
            (exact, 1000.5, Ok(())),
            (exact, 2000.4, Ok(())),
            (exact, 2000.5, Err(LifetimeError::Expired)),
            (exact.allow_early(skew), 940.4, Err(LifetimeError::NotYetValid)),
            (exact.allow_early(skew), 940.5, Ok(())),
            (exact.allow_early(skew), 2000.5, Err(LifetimeError::Expired)),
            (exact.allow_late(skew), 1000.4, Err(LifetimeError::NotYetValid)),
            (exact.allow_late(skew), 2060.4, Ok(())),
            (exact.allow_late(skew), 2060.5, Err(LifetimeError::Expired)),
            (Lifetime::new(None, Some(2000.5)), 0.0, Ok(())),
            (Lifetime::new(Some(1000.5), None), 1e300, Ok(())),
            (forever, 0.0, Ok(())),
            (forever, 1e300, Ok(())),
            // A wall clock that isn't set.
            (forever, f64::INFINITY, Err(LifetimeError::Expired)),
            (Lifetime::new(Some(-1e300), Some(1e300)), 1500.0, Ok(())),
        ] {
            let now = Now::at(wall, Instant::now());
            assert_eq!(lifetime.check(now), expected, "{lifetime:?} at {wall}");
        }
    }

    #[test]
    fn remaining_time_is_bounded_by_the_expiry_and_by_the_maximum() {
        let max = Duration::from_secs(60);
        for (exp, wall, remaining) in [
            (Some(2000.0), 1990.0, Duration::from_secs(10)),
            (Some(2000.0), 1940.0, max),
            (Some(2000.0), 0.0, max),
            (Some(2000.0), 2000.0, Duration::ZERO),
            (Some(2000.0), 2001.0, Duration::ZERO),
            (None, 2000.0, max),
            (Some(1e300), 2000.0, max),
            (Some(-1e300), 2000.0, Duration::ZERO),
            (Some(2000.0), f64::INFINITY, Duration::ZERO),
            (None, f64::INFINITY, Duration::ZERO),
        ] {
            let now = Now::at(wall, Instant::now());
            assert_eq!(
                Lifetime::new(None, exp).remaining(now, max),
                remaining,
                "{exp:?} at {wall}"
            );
        }
    }
}
