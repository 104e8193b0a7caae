//! When a token is used, refreshed and given up: gRPC's A97, scaled to the token's life.
//!
//! A97 treats a token as expired 30 s early and refreshes it from a minute before that on. A token that
//! lives a few seconds would never be used, so both are shares of its life.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use tokio::time::Instant;

/// How early a token with a long life counts as expired (A97).
const EARLY: Duration = Duration::from_secs(30);

/// The pause after the first failed fetch, and the longest (gRPC's connection backoff).
pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(120);
/// The first one of a token that lives but a moment: what is left of a life may be next to nothing.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const GROWTH: f64 = 1.6;
const JITTER: f64 = 0.2;

/// The times of one token. What is `None` never comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    /// A new one is asked for in the background.
    pub(super) refresh: Option<Instant>,
    /// It counts as expired: calls wait for a new one.
    pub(super) stale: Option<Instant>,
    /// Its life ends.
    pub(super) end: Option<Instant>,
    /// The first pause after a failed fetch.
    pub(super) pause: Duration,
    /// How often its source wants to be asked while the token is good.
    check: Option<Duration>,
    /// From when on its end is near, and a new one is due.
    due: Option<Instant>,
}

impl Schedule {
    /// The times of a token that was asked for at `begin`.
    pub(super) fn new(
        begin: Instant,
        life: Option<Duration>,
        refresh_after: Option<Duration>,
    ) -> Self {
        let early = life.map(|life| EARLY.min(life / 4));
        // A time that the clock can't hold never comes.
        let before_end = |share: u32| {
            let (life, early) = (life?, early?);
            begin.checked_add(life.saturating_sub(early * share))
        };
        let asked = refresh_after.and_then(|pause| begin.checked_add(pause));
        Schedule {
            refresh: earlier(before_end(2), asked),
            stale: before_end(1),
            end: before_end(0),
            pause: early
                .map_or(FIRST_PAUSE, |early| (early / 8).clamp(SHORTEST_PAUSE, FIRST_PAUSE)),
            check: refresh_after,
            due: before_end(2),
        }
    }

    /// The source gave the same token once more: says when it is asked next.
    pub(super) fn was_given_again(&mut self, now: Instant) {
        let check = self.check.and_then(|pause| now.checked_add(pause));
        self.refresh = match (self.due, check) {
            (Some(due), Some(_)) if due > now => earlier(Some(due), check),
            _ => now.checked_add(self.pause),
        };
    }

    /// Nothing is due yet: it is fresh, and not to be refreshed.
    pub(super) fn is_settled(&self) -> bool {
        // Refreshed before it is stale, if at all.
        let Some(first) = earlier(self.refresh, self.stale) else { return true };
        Instant::now() < first
    }

    pub(super) fn wants_refresh(&self, now: Instant) -> bool {
        self.refresh.is_some_and(|refresh| refresh <= now)
    }

    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        self.stale.is_none_or(|stale| now < stale)
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.end.is_some_and(|end| end <= now)
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    [one, other].into_iter().flatten().min()
}

/// How long to wait after the `failures`-th failed fetch in a row.
pub(super) fn backoff(first: Duration, failures: u32) -> Duration {
    let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
    let most = LONGEST_PAUSE.as_secs_f64();
    let pause = (first.as_secs_f64() * GROWTH.powi(exponent)).min(most);
    // Callers that failed together must not come back together. It guards nothing, so the seed of
    // the standard library's hash maps is random enough.
    let random = RandomState::new().hash_one(failures) as f64 / u64::MAX as f64;
    Duration::from_secs_f64(pause * (1.0 - JITTER + 2.0 * JITTER * random))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn times(life: Option<Duration>, refresh_after: Option<Duration>) -> [Option<Duration>; 3] {
        let begin = Instant::now();
        let schedule = Schedule::new(begin, life, refresh_after);
        [schedule.refresh, schedule.stale, schedule.end]
            .map(|time| time.map(|time| time.duration_since(begin)))
    }

    #[test]
    fn times_are_those_of_a97_and_shares_of_a_short_life() {
        let some = |millis| Some(Duration::from_millis(millis));
        for (life, refresh, stale) in [
            (secs(3600), some(3_540_000), some(3_570_000)),
            (secs(120), some(60_000), some(90_000)),
            (secs(60), some(30_000), some(45_000)),
            (secs(2), some(1000), some(1500)),
            (secs(0), some(0), some(0)),
        ] {
            assert_eq!(times(Some(life), None), [refresh, stale, Some(life)], "{life:?}");
        }
    }

    #[test]
    fn a_token_without_an_end_is_never_stale() {
        assert_eq!(times(None, None), [None, None, None]);
        assert_eq!(times(None, Some(secs(5))), [Some(secs(5)), None, None]);
        // 584 billion years, as some issuers write "never".
        assert_eq!(times(Some(secs(u64::MAX)), None), [None, None, None]);
    }

    #[test]
    fn the_earlier_of_two_refreshes_holds() {
        assert_eq!(times(Some(secs(2)), Some(secs(5)))[0], Some(secs(1)));
        assert_eq!(times(Some(secs(3600)), Some(secs(5)))[0], Some(secs(5)));
    }

    #[test]
    fn pauses_grow_to_a_limit_and_shrink_with_the_token() {
        for (failures, pauses) in
            [(1, 1.0), (2, 1.6), (3, 2.56), (11, 109.9), (12, 120.0), (4000, 120.0)]
        {
            let pause = backoff(FIRST_PAUSE, failures).as_secs_f64();
            assert!((0.79 * pauses..=1.21 * pauses).contains(&pause), "{failures}: {pause}");
        }
        // However short the first is, a source that stays down is asked ever less often.
        assert!(backoff(Duration::from_millis(10), 4000) >= secs(96));
        let begin = Instant::now();
        let pause = |life| Schedule::new(begin, life, None).pause;
        assert_eq!(pause(None), secs(1));
        assert_eq!(pause(Some(secs(3600))), secs(1));
        assert_eq!(pause(Some(secs(2))), Duration::from_micros(62_500));
        assert_eq!(pause(Some(secs(0))), Duration::from_millis(10));
    }
}
