use tokio::time::Instant;

use crate::{
    client::{
        credential::Credential,
        refresh_schedule::{FIRST_PAUSE, Schedule, backoff},
        token::TokenSourceError,
    },
    net::single_flight::{PendingFetch, SingleFlight},
};

/// The outcome of a fetch.
pub(super) type FetchResult = Result<Credential, TokenSourceError>;

/// What the cache knows. Plain data, changed under its lock.
#[derive(Default)]
pub(super) struct CacheState {
    pub(super) entry: Option<CachedCredential>,
    pub(super) flight: SingleFlight<FetchResult>,
    pub(super) failure: Option<Failure>,
    /// When a rejected credential last started a fetch.
    pub(super) rejection_fetch: Option<Instant>,
}

/// The credential in use.
pub(super) struct CachedCredential {
    pub(super) credential: Credential,
    pub(super) schedule: Schedule,
    /// A server rejected it. It remains the only one until the fetch of a new one has ended.
    pub(super) rejected: bool,
}

/// The last fetch, which failed.
pub(super) struct Failure {
    pub(super) error: TokenSourceError,
    /// How many fetches have failed in a row.
    count: u32,
    pub(super) retry: Instant,
}

impl CacheState {
    /// Returns true if no fetch is in progress and the pause after a failure has passed.
    pub(super) fn may_fetch(&self, now: Instant) -> bool {
        self.flight.current().is_none()
            && self.failure.as_ref().is_none_or(|failure| failure.retry <= now)
    }

    /// The error of the last fetch, during the pause after it.
    pub(super) fn paused(&self, now: Instant) -> Option<&TokenSourceError> {
        let failure = self.failure.as_ref().filter(|failure| now < failure.retry)?;
        Some(&failure.error)
    }

    /// The credential to use when no better one is available: it counts as expired, but its lifetime hasn't
    /// ended.
    pub(super) fn last_resort(&self, now: Instant) -> Option<Credential> {
        let entry = self.entry.as_ref().filter(|entry| !entry.schedule.has_ended(now))?;
        Some(entry.credential.clone())
    }

    /// Removes a lost fetch. Its callers no longer wait for it.
    pub(super) fn remove_lost(&mut self, now: Instant) {
        if self.flight.current().is_some_and(|pending| pending.is_lost(now)) {
            self.flight = SingleFlight::default();
        }
    }

    /// Removes `fetch`. Returns false if it was removed before, because it was lost.
    pub(super) fn remove(&mut self, fetch: &PendingFetch<FetchResult>) -> bool {
        let current = self.flight.is_current(fetch);
        if current {
            self.flight = SingleFlight::default();
        }
        current
    }

    /// Stores a fetched credential.
    pub(super) fn store(&mut self, credential: Credential, schedule: Schedule, now: Instant) {
        self.failure = None;
        let mut new = CachedCredential { credential, schedule, rejected: false };
        if let Some(old) = &mut self.entry
            && old.credential.is_same(&new.credential)
        {
            // The source returns the same token until it expires. Keep the schedule of the whole
            // lifetime.
            if old.schedule.stale.is_some()
                && old.schedule.is_fresh(now)
                && old.schedule.end >= new.schedule.end
            {
                old.rejected = false;
                old.schedule.postpone_refresh(now);
                return;
            }
            // The rest of a lifetime is too short to scale the pause by.
            new.schedule.first_pause = new.schedule.first_pause.max(old.schedule.first_pause);
        }
        self.entry = Some(new);
    }

    /// Stores a failure, and with it the pause until the next fetch.
    pub(super) fn fail(&mut self, error: TokenSourceError, now: Instant) {
        let count = self.failure.as_ref().map_or(0, |failure| failure.count) + 1;
        let first = self.entry.as_ref().map_or(FIRST_PAUSE, |entry| entry.schedule.first_pause);
        let retry = now + backoff(first).pause(count);
        self.failure = Some(Failure { error, count, retry });
    }
}
