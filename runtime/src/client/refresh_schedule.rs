//! When a token is refreshed and when it counts as expired: gRPC's A97, scaled to the token's lifetime.
//!
//! A97 treats a token as expired 30 s early and refreshes it a minute early. A token that lives for only a few
//! seconds would never be used, so both are limited to shares of its lifetime.

use std::time::Duration;

use tokio::time::Instant;

use crate::net::{
    backoff::Backoff,
    jitter::{REFRESH_JITTER, bring_forward},
};

/// How early a token with a long lifetime counts as expired (A97).
const EARLY: Duration = Duration::from_secs(30);

/// The pause after the first failed fetch (gRPC's connection backoff).
pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause (gRPC's connection backoff).
const LONGEST_PAUSE: Duration = Duration::from_secs(120);
/// The lower bound of the first pause. A token that is about to expire has next to no lifetime to scale
/// it by.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// The pauses after consecutive failures: gRPC's connection backoff, with this first pause.
pub(super) fn backoff(first: Duration) -> Backoff {
    Backoff { first, factor: 1.6, max: LONGEST_PAUSE, jitter: 0.2 }
}

/// The times of one token. `None` means never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    /// When a new token is fetched in the background.
    pub(super) refresh: Option<Instant>,
    /// When the token counts as expired, so that calls wait for a new one.
    pub(super) stale: Option<Instant>,
    /// When the token's lifetime ends.
    pub(super) end: Option<Instant>,
    /// The first pause after a failed fetch.
    pub(super) first_pause: Duration,
    /// How often the source is asked for a newer token while this one is valid.
    check_every: Option<Duration>,
    /// When the end of the lifetime is near, and a new token is needed.
    due: Option<Instant>,
}

impl Schedule {
    /// The times of a token that was requested at `begin`. The refresh comes up to a tenth of its time
    /// earlier, because many processes may have begun together.
    pub(super) fn new(
        begin: Instant,
        lifetime: Option<Duration>,
        refresh_after: Option<Duration>,
    ) -> Self {
        let exact = Schedule::without_jitter(begin, lifetime, refresh_after);
        Schedule { refresh: exact.refresh.map(|refresh| sooner(begin, refresh)), ..exact }
    }

    fn without_jitter(
        begin: Instant,
        lifetime: Option<Duration>,
        refresh_after: Option<Duration>,
    ) -> Self {
        let early = lifetime.map(|lifetime| EARLY.min(lifetime / 4));
        // A time that the clock can't represent never comes.
        let before_end = |shares: u32| {
            let (lifetime, early) = (lifetime?, early?);
            begin.checked_add(lifetime.saturating_sub(early * shares))
        };
        let check = refresh_after.and_then(|pause| begin.checked_add(pause));
        Schedule {
            refresh: earlier(before_end(2), check),
            stale: before_end(1),
            end: before_end(0),
            first_pause: early
                .map_or(FIRST_PAUSE, |early| (early / 8).clamp(SHORTEST_PAUSE, FIRST_PAUSE)),
            check_every: refresh_after,
            due: before_end(2),
        }
    }

    /// Postpones the refresh, because the source returned the same token again.
    pub(super) fn postpone_refresh(&mut self, now: Instant) {
        let pause_end = now.checked_add(self.first_pause);
        let check = self.check_every.and_then(|pause| now.checked_add(pause));
        // A fetch before the time of the refresh replaces a rejected token, and a new one is wanted soon.
        let replaces = check.is_none() && !self.wants_refresh(now);
        self.refresh = match self.due.filter(|due| *due > now && !replaces) {
            Some(due) => {
                let next = check.map_or(due, |check| check.min(due));
                // Without a pause, refreshes would follow each other faster and faster before the date.
                let earliest = pause_end.map_or(next, |end| end.min(next));
                Some(sooner(now, next).max(earliest))
            }
            None => pause_end,
        };
    }

    /// Returns true if the token is fresh and needs no refresh yet.
    pub(super) fn is_idle(&self) -> bool {
        // The refresh, if there is one, comes before the token is stale.
        let Some(first) = earlier(self.refresh, self.stale) else { return true };
        Instant::now() < first
    }

    pub(super) fn wants_refresh(&self, now: Instant) -> bool {
        self.refresh.is_some_and(|refresh| refresh <= now)
    }

    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        self.stale.is_none_or(|stale| now < stale)
    }

    pub(super) fn has_ended(&self, now: Instant) -> bool {
        self.end.is_some_and(|end| end <= now)
    }
}

/// A random time shortly before `at`, counted from `begin`.
fn sooner(begin: Instant, at: Instant) -> Instant {
    begin + bring_forward(at.saturating_duration_since(begin), REFRESH_JITTER)
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    [one, other].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn times(lifetime: Option<Duration>, refresh_after: Option<Duration>) -> [Option<Duration>; 3] {
        let begin = Instant::now();
        let schedule = Schedule::without_jitter(begin, lifetime, refresh_after);
        [schedule.refresh, schedule.stale, schedule.end]
            .map(|time| time.map(|time| time.duration_since(begin)))
    }

    #[test]
    fn times_follow_a97_and_shrink_with_a_short_lifetime() {
        let some = |millis| Some(Duration::from_millis(millis));
        for (lifetime, refresh, stale) in [
            (secs(3600), some(3_540_000), some(3_570_000)),
            (secs(120), some(60_000), some(90_000)),
            (secs(60), some(30_000), some(45_000)),
            (secs(2), some(1000), some(1500)),
            (secs(0), some(0), some(0)),
        ] {
            let expected = [refresh, stale, Some(lifetime)];
            assert_eq!(times(Some(lifetime), None), expected, "{lifetime:?}");
        }
    }

    #[test]
    fn token_without_expiry_is_never_stale() {
        assert_eq!(times(None, None), [None, None, None]);
        assert_eq!(times(None, Some(secs(5))), [Some(secs(5)), None, None]);
        // 584 billion years, as some issuers write "never".
        assert_eq!(times(Some(secs(u64::MAX)), None), [None, None, None]);
    }

    #[test]
    fn refresh_is_only_brought_forward() {
        let begin = Instant::now();
        let (lifetime, check) = (Some(secs(3600)), Some(secs(1000)));
        for (refresh_after, latest) in [(None, secs(3540)), (check, secs(1000))] {
            let mut all = Vec::new();
            for _ in 0..200 {
                let schedule = Schedule::new(begin, lifetime, refresh_after);
                let exact = Schedule::without_jitter(begin, lifetime, refresh_after);
                assert_eq!((schedule.stale, schedule.end), (exact.stale, exact.end));
                all.push(schedule.refresh.unwrap() - begin);
            }
            assert!(all.iter().all(|time| (latest.mul_f64(0.9)..=latest).contains(time)));
            let spread = *all.iter().max().unwrap() - *all.iter().min().unwrap();
            assert!(spread > latest.mul_f64(0.05), "{spread:?}");
        }
        assert_eq!(Schedule::new(begin, None, None).refresh, None);
    }

    /// A source that returns the same token before the date of the refresh isn't asked every second.
    #[test]
    fn same_token_postpones_an_early_refresh_to_its_date() {
        let begin = Instant::now();
        let (mut schedule, mut now, mut refreshes) =
            (Schedule::new(begin, Some(secs(3600)), None), begin, 0);
        let due = begin + secs(3540);
        while now < due {
            let next = schedule.refresh.unwrap();
            assert!(now < next && next <= due, "{refreshes}");
            now = next;
            schedule.postpone_refresh(now);
            refreshes += 1;
        }
        assert!(refreshes < 100, "{refreshes}");
        assert_eq!(schedule.refresh, Some(due + FIRST_PAUSE));
    }

    #[test]
    fn earlier_of_two_refreshes_wins() {
        assert_eq!(times(Some(secs(2)), Some(secs(5)))[0], Some(secs(1)));
        assert_eq!(times(Some(secs(3600)), Some(secs(5)))[0], Some(secs(5)));
    }

    #[test]
    fn pauses_grow_to_a_limit_and_shrink_with_the_lifetime() {
        for (failures, pauses) in
            [(1, 1.0), (2, 1.6), (3, 2.56), (11, 109.9), (12, 120.0), (4000, 120.0)]
        {
            let pause = backoff(FIRST_PAUSE).pause(failures).as_secs_f64();
            assert!((0.79 * pauses..=1.21 * pauses).contains(&pause), "{failures}: {pause}");
        }
        // Even after a short first pause, a source that stays unreachable is asked rarely.
        assert!(backoff(Duration::from_millis(10)).pause(4000) >= secs(96));
        let begin = Instant::now();
        let pause = |lifetime| Schedule::new(begin, lifetime, None).first_pause;
        assert_eq!(pause(None), secs(1));
        assert_eq!(pause(Some(secs(3600))), secs(1));
        assert_eq!(pause(Some(secs(2))), Duration::from_micros(62_500));
        assert_eq!(pause(Some(secs(0))), Duration::from_millis(10));
    }
}
