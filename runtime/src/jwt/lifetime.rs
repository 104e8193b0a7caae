use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One moment, on both clocks: the one that tokens are dated by and one that nobody can set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    /// Seconds since 1970, as NumericDate has them (RFC 7519, section 2).
    date: f64,
    steady: Instant,
}

impl Now {
    pub(super) fn read() -> Now {
        // A clock before 1970 knows nothing. Then every token has expired.
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let date = since.map_or(f64::INFINITY, |since| since.as_secs_f64());
        Now { date, steady: Instant::now() }
    }

    /// A moment that a test chooses.
    #[cfg(test)]
    pub(super) fn at(date: f64, steady: Instant) -> Now {
        Now { date, steady }
    }

    pub(super) fn steady(&self) -> Instant {
        self.steady
    }
}

/// Between which dates a token is good, the skew of the clocks counted in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lifetime {
    from: f64,
    until: f64,
}

/// Why a token isn't good now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotNow {
    Early,
    Expired,
}

impl Lifetime {
    pub(super) fn new(nbf: Option<f64>, exp: f64, skew: Duration) -> Lifetime {
        let skew = skew.as_secs_f64();
        Lifetime { from: nbf.map_or(f64::NEG_INFINITY, |nbf| nbf - skew), until: exp + skew }
    }

    /// "On or after" the date a token has expired (RFC 7519, section 4.1.4).
    pub(super) fn check(&self, now: Now) -> Result<(), NotNow> {
        if now.date >= self.until {
            Err(NotNow::Expired)
        } else if now.date < self.from {
            Err(NotNow::Early)
        } else {
            Ok(())
        }
    }

    /// How long the token is good from `now` on, but no longer than `most`.
    pub(super) fn left(&self, now: Now, most: Duration) -> Duration {
        let left = (self.until - now.date).clamp(0.0, most.as_secs_f64());
        Duration::try_from_secs_f64(left).unwrap_or_default()
    }
}
