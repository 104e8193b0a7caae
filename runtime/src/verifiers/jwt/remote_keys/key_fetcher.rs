use std::{error::Error, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use tokio::{
    sync::{Semaphore, SemaphorePermit, watch},
    time::{Instant, timeout, timeout_at},
};

use super::{
    fetch_schedule::{Begin, FetchCause, FetchSchedule, KeyFetchResult},
    fetched_keys::{FetchedKeys, Trusted},
    key_bearer::KeyBearer,
    key_location::KeyLocation,
};
use crate::{
    authenticate::DEFAULT_DEADLINE,
    net::{
        http_client::{HttpClient, HttpError},
        jitter::REFRESH_JITTER,
        single_flight::{Fetch, PendingFetch},
    },
    verifiers::jwt::key_set::KeySet,
};

/// How much longer a fetch may take than its requests.
const SLACK: Duration = Duration::from_secs(5);

/// How many calls may wait at once until their budget permits a fetch, for each of the two budgets.
const MAX_WAITING: usize = 32;

/// How long a call with an unknown key id waits until its budget permits a fetch.
const MAX_QUEUE_TIME: Duration = Duration::from_secs(2);

/// How long a call whose signature failed waits for other keys.
///
/// It ends before the verifier's deadline, at which the call would be rejected as UNAVAILABLE.
const MAX_SIGNATURE_TIME: Duration = Duration::from_secs(4);
const _: () = assert!(MAX_SIGNATURE_TIME.as_secs() < DEFAULT_DEADLINE.as_secs());

/// Fetches keys on a schedule and holds the last set.
pub(super) struct KeyFetcher {
    location: KeyLocation,
    http: HttpClient,
    bearer: Option<KeyBearer>,
    max_age: Duration,
    refresh_every: Duration,
    time_limit: Duration,
    fetched: ArcSwap<FetchedKeys>,
    /// Watched by the refresh task, which sleeps until the next fetch is due.
    schedule: watch::Sender<FetchSchedule>,
    /// Permits for the calls with unknown key ids that wait for their budget.
    queue: Semaphore,
    /// Permits for the calls whose signature failed, for as long as they wait.
    signature_calls: Semaphore,
}

impl KeyFetcher {
    pub(super) fn new(
        location: KeyLocation,
        http: HttpClient,
        bearer: Option<KeyBearer>,
        cooldown: Duration,
        refresh_every: Duration,
        max_age: Duration,
    ) -> Self {
        // One request for the discovery document, one for the keys.
        let request = bearer.as_ref().map_or(Duration::ZERO, KeyBearer::deadline);
        let request = request.saturating_add(http.timeout());
        let time_limit = request.saturating_mul(2).saturating_add(SLACK);
        let schedule = FetchSchedule::new(cooldown, refresh_every, time_limit, REFRESH_JITTER);
        KeyFetcher {
            location,
            http,
            bearer,
            max_age,
            refresh_every,
            time_limit,
            fetched: ArcSwap::from_pointee(FetchedKeys::none()),
            schedule: watch::Sender::new(schedule),
            queue: Semaphore::new(MAX_WAITING),
            signature_calls: Semaphore::new(MAX_WAITING),
        }
    }

    pub(super) fn location(&self) -> &KeyLocation {
        &self.location
    }

    pub(super) fn trusted(&self, now: Instant) -> Option<Trusted> {
        let fetched = self.fetched.load();
        let trusted = fetched.until.is_some_and(|until| now < until);
        trusted.then_some(Trusted(fetched))
    }

    /// The keys that are trusted now, unless they are `known`.
    pub(super) fn other_than(&self, known: Option<&Arc<KeySet>>) -> Option<Arc<KeySet>> {
        let trusted = self.trusted(Instant::now())?.keys();
        let same = known.is_some_and(|known| Arc::ptr_eq(known, &trusted));
        (!same).then_some(trusted)
    }

    /// Returns true if a fetch has confirmed that the issuer hasn't reused this `kid`.
    pub(super) fn has_confirmed(&self, kid: &str) -> bool {
        self.fetched.load().has_confirmed(kid)
    }

    /// Waits for a fetch for a token whose signature failed. Its outcome isn't reported: no such token makes a
    /// call UNAVAILABLE.
    pub(super) async fn fetch_for_signature(self: &Arc<Self>) {
        if let Ok(_permit) = self.signature_calls.try_acquire() {
            let _ = timeout(MAX_SIGNATURE_TIME, self.fetch(FetchCause::Signature)).await;
        }
    }

    /// Waits for the fetch in progress, or begins one. If it is too early for one, waits a short time until
    /// one begins. Otherwise returns the outcome of the last one.
    pub(super) async fn fetch(self: &Arc<Self>, cause: FetchCause) -> KeyFetchResult {
        let give_up = Instant::now() + MAX_QUEUE_TIME;
        let mut permit = None;
        loop {
            let mut changes = self.schedule.subscribe();
            let pending = match self.update(|schedule| schedule.begin(Instant::now(), cause)) {
                Begin::Fetch(fetch) => self.spawn(fetch),
                Begin::Join(pending) => pending,
                Begin::Cooldown(last) => return last,
                Begin::Exhausted(next, last) => {
                    permit = permit.or_else(|| self.queue_permit(cause));
                    if permit.is_none() || next > give_up {
                        return last;
                    }
                    if timeout_at(next, changes.changed()).await.is_ok()
                        && let Some(outcome) = self.schedule.borrow().last_outcome()
                    {
                        return outcome;
                    }
                    continue;
                }
            };
            if let Ok(Some(outcome)) = timeout(self.time_limit, pending.outcome()).await {
                return outcome;
            }
            // That fetch is lost.
        }
    }

    /// The right to wait for the budget. `None` if too many calls wait.
    fn queue_permit(&self, cause: FetchCause) -> Option<Option<SemaphorePermit<'_>>> {
        match cause {
            FetchCause::UnknownId => self.queue.try_acquire().ok().map(Some),
            // These calls have another permit.
            FetchCause::Signature | FetchCause::Schedule => Some(None),
        }
    }

    /// Begins the fetch that is due, if there is one, and doesn't wait for it.
    pub(super) fn begin_if_due(self: &Arc<Self>, now: Instant) {
        if let Begin::Fetch(fetch) = self.update(|schedule| schedule.begin_if_due(now)) {
            self.spawn(fetch);
        }
    }

    /// Applies `begin` to the schedule.
    fn update(&self, begin: impl FnOnce(&mut FetchSchedule) -> Begin) -> Begin {
        let mut begun = Begin::Cooldown(Ok(()));
        self.schedule.send_if_modified(|schedule| {
            begun = begin(schedule);
            matches!(begun, Begin::Fetch(_))
        });
        begun
    }

    /// Runs `fetch` in its own task: the call that begins it may be cancelled while others wait.
    fn spawn(self: &Arc<Self>, fetch: Fetch<KeyFetchResult>) -> PendingFetch<KeyFetchResult> {
        let pending = fetch.pending().clone();
        let attempt = KeyFetch { fetcher: Arc::clone(self), fetch, ended: false };
        tokio::spawn(attempt.run());
        pending
    }

    /// Fetches whenever a fetch is due, without end.
    pub(super) async fn refresh(self: Arc<Self>) {
        let mut schedule = self.schedule.subscribe();
        loop {
            let due = schedule.borrow_and_update().due();
            let is_due = match due {
                Some(due) => timeout_at(due, schedule.changed()).await.is_err(),
                // Until the fetch in progress has ended.
                None => schedule.changed().await.is_err(),
            };
            if is_due {
                // The outcome is in the schedule and in an event.
                let _ = self.fetch(FetchCause::Schedule).await;
            }
        }
    }
}

/// A fetch, as the task that runs it owns it. When the task is dropped, the fetch counts as failed.
struct KeyFetch {
    fetcher: Arc<KeyFetcher>,
    fetch: Fetch<KeyFetchResult>,
    ended: bool,
}

impl KeyFetch {
    async fn run(mut self) {
        let fetcher = Arc::clone(&self.fetcher);
        let begun = Instant::now();
        let keys = fetcher.location.fetch(&fetcher.http, fetcher.bearer.as_ref()).await;
        match &keys {
            Ok(_) => {
                tracing::debug!(target: "tonic_guard", url = %fetcher.location, "keys fetched");
            }
            Err(error) => {
                let cause: &(dyn Error + 'static) = error;
                tracing::warn!(
                    target: "tonic_guard",
                    url = %fetcher.location,
                    cause,
                    trusted = fetcher.trusted(Instant::now()).is_some(),
                    "keys can't be fetched"
                );
            }
        }
        self.end(keys.map(|keys| FetchedKeys {
            keys: Arc::new(keys),
            until: Some(begun + fetcher.max_age),
            overdue: Some(begun + 2 * fetcher.refresh_every),
            // Set at the end, when the last set before this one is known.
            confirmed: Box::default(),
        }));
    }

    fn end(&mut self, result: Result<FetchedKeys, HttpError>) {
        self.ended = true;
        let mut outcome = None;
        self.fetcher.schedule.send_if_modified(|schedule| {
            // A fetch that replaced this one has newer keys.
            if !schedule.is_current(&self.fetch) {
                return false;
            }
            let stored = result.map(|mut fetched| {
                let last = self.fetcher.fetched.load();
                fetched.confirmed = last.confirmed_by(&fetched.keys, schedule.cause());
                self.fetcher.fetched.store(Arc::new(fetched));
            });
            schedule.end(outcome.insert(stored).clone());
            true
        });
        if let Some(outcome) = outcome {
            self.fetch.finish(outcome);
        }
    }
}

impl Drop for KeyFetch {
    fn drop(&mut self) {
        if !self.ended {
            self.end(Err(HttpError::other("the fetch was cancelled")));
        }
    }
}

#[cfg(test)]
mod tests;
