//! When a token is good, by the dates that it states or that are stated of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// One moment, on both clocks: the one that tokens are dated by and one that nobody can set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    /// Seconds since 1970, as NumericDate has them (RFC 7519, section 2).
    date: f64,
    steady: Instant,
}

impl Now {
    pub(crate) fn read() -> Now {
        // A clock before 1970 knows nothing. Then every token has expired.
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let date = since.map_or(f64::INFINITY, |since| since.as_secs_f64());
        Now { date, steady: Instant::now() }
    }

    /// A moment that a test chooses.
    #[cfg(test)]
    pub(crate) fn at(date: f64, steady: Instant) -> Now {
        Now { date, steady }
    }

    pub(crate) fn steady(&self) -> Instant {
        self.steady
    }
}

/// Between which dates a token is good.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetime {
    from: f64,
    until: f64,
}

/// Why a token isn't good now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotNow {
    Early,
    Expired,
}

impl Lifetime {
    /// From the one to the other, in seconds since 1970. Without a date there is no end to that side.
    pub(crate) fn new(nbf: Option<f64>, exp: Option<f64>) -> Lifetime {
        Lifetime { from: nbf.unwrap_or(f64::NEG_INFINITY), until: exp.unwrap_or(f64::INFINITY) }
    }

    /// The same, but good so much sooner: the clocks may be that far apart.
    pub(crate) fn sooner(self, skew: Duration) -> Lifetime {
        Lifetime { from: self.from - skew.as_secs_f64(), ..self }
    }

    /// The same, but good so much longer.
    pub(crate) fn longer(self, skew: Duration) -> Lifetime {
        Lifetime { until: self.until + skew.as_secs_f64(), ..self }
    }

    /// "On or after" the date a token has expired (RFC 7519, section 4.1.4).
    pub(crate) fn check(&self, now: Now) -> Result<(), NotNow> {
        if now.date >= self.until {
            Err(NotNow::Expired)
        } else if now.date < self.from {
            Err(NotNow::Early)
        } else {
            Ok(())
        }
    }

    /// How long the token is good from `now` on, but no longer than `most`.
    pub(crate) fn left(&self, now: Now, most: Duration) -> Duration {
        let left = (self.until - now.date).clamp(0.0, most.as_secs_f64());
        Duration::try_from_secs_f64(left).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_between_its_dates() {
        let skew = Duration::from_secs(60);
        let exact = Lifetime::new(Some(1000.5), Some(2000.5));
        let forever = Lifetime::new(None, None);
        for (lifetime, date, expected) in [
            (exact, 1000.4, Err(NotNow::Early)),
            (exact, 1000.5, Ok(())),
            (exact, 2000.4, Ok(())),
            (exact, 2000.5, Err(NotNow::Expired)),
            (exact.sooner(skew), 940.4, Err(NotNow::Early)),
            (exact.sooner(skew), 940.5, Ok(())),
            (exact.sooner(skew), 2000.5, Err(NotNow::Expired)),
            (exact.longer(skew), 1000.4, Err(NotNow::Early)),
            (exact.longer(skew), 2060.4, Ok(())),
            (exact.longer(skew), 2060.5, Err(NotNow::Expired)),
            (Lifetime::new(None, Some(2000.5)), 0.0, Ok(())),
            (Lifetime::new(Some(1000.5), None), 1e300, Ok(())),
            (forever, 0.0, Ok(())),
            (forever, 1e300, Ok(())),
            // A clock that knows nothing.
            (forever, f64::INFINITY, Err(NotNow::Expired)),
            (Lifetime::new(Some(-1e300), Some(1e300)), 1500.0, Ok(())),
        ] {
            let now = Now::at(date, Instant::now());
            assert_eq!(lifetime.check(now), expected, "{lifetime:?} at {date}");
        }
    }

    #[test]
    fn what_is_left_ends_with_the_token_and_is_bounded() {
        let most = Duration::from_secs(60);
        for (exp, date, left) in [
            (Some(2000.0), 1990.0, Duration::from_secs(10)),
            (Some(2000.0), 1940.0, most),
            (Some(2000.0), 0.0, most),
            (Some(2000.0), 2000.0, Duration::ZERO),
            (Some(2000.0), 2001.0, Duration::ZERO),
            (None, 2000.0, most),
            (Some(1e300), 2000.0, most),
            (Some(-1e300), 2000.0, Duration::ZERO),
            (Some(2000.0), f64::INFINITY, Duration::ZERO),
            (None, f64::INFINITY, Duration::ZERO),
        ] {
            let now = Now::at(date, Instant::now());
            assert_eq!(Lifetime::new(None, exp).left(now, most), left, "{exp:?} at {date}");
        }
    }
}
