//! How often the calls with bad tokens may cause a fetch.

use std::time::Duration;

use tokio::time::Instant;

/// The largest number of fetches at once.
const BURST: u32 = 2;

/// Permits a burst of two fetches, then one per interval.
///
/// Plain data that takes the time as an argument, so that tests need no clock.
#[derive(Debug)]
pub(super) struct FetchBudget {
    interval: Duration,
    /// When the whole burst is permitted again. `None` before the first fetch.
    full: Option<Instant>,
}

impl FetchBudget {
    pub(super) fn new(interval: Duration) -> Self {
        FetchBudget { interval, full: None }
    }

    /// When the next fetch is permitted: `now` or later.
    pub(super) fn next(&self, now: Instant) -> Instant {
        let full = self.full.unwrap_or(now);
        // With a burst of two, one fetch is left for one interval before the burst is full.
        let reserve = self.interval * (BURST - 1);
        full.checked_sub(reserve).map_or(now, |next| next.max(now))
    }

    /// Spends one fetch, which [`next`](FetchBudget::next) must permit.
    pub(super) fn spend(&mut self, now: Instant) {
        self.full = Some(self.full.map_or(now, |full| full.max(now)) + self.interval);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(30);

    fn permits(budget: &mut FetchBudget, now: Instant) -> bool {
        let permitted = budget.next(now) == now;
        if permitted {
            budget.spend(now);
        }
        permitted
    }

    #[test]
    fn two_at_once_and_then_one_per_interval() {
        let start = Instant::now();
        let mut budget = FetchBudget::new(INTERVAL);
        assert!(permits(&mut budget, start));
        assert!(permits(&mut budget, start));
        assert_eq!(budget.next(start), start + INTERVAL);
        assert!(!permits(&mut budget, start + INTERVAL - Duration::from_nanos(1)));
        assert!(permits(&mut budget, start + INTERVAL));
        assert!(!permits(&mut budget, start + INTERVAL));
        // After a long rest the burst is two again, and not more.
        let later = start + 100 * INTERVAL;
        assert!(permits(&mut budget, later));
        assert!(permits(&mut budget, later));
        assert!(!permits(&mut budget, later));
    }

    #[test]
    fn flood_gets_its_budget_and_no_more() {
        let start = Instant::now();
        let mut budget = FetchBudget::new(INTERVAL);
        let flood = (0..600_u64).flat_map(|second| [second; 3]);
        let fetches = flood
            .filter(|second| permits(&mut budget, start + Duration::from_secs(*second)))
            .count();
        assert_eq!(fetches, 2 + 19, "in ten minutes");
    }
}
