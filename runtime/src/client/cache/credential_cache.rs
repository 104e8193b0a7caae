use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use http::HeaderName;
use tokio::{
    runtime::Handle,
    time::{Instant, timeout},
};

use super::state::{CacheState, FetchResult};
use crate::{
    client::{
        credential::{Credential, Form},
        refresh_schedule::Schedule,
        token::{ErasedSource, Token, TokenSourceError, WithCauses},
    },
    net::single_flight::{Fetch, PendingFetch},
};

/// How many lost fetches a call waits for before it fails.
const MAX_LOST: u32 = 3;

/// How much later than the source's deadline a fetch counts as lost.
const SLACK: Duration = Duration::from_secs(1);

pub(in crate::client) struct CredentialCache {
    source: Box<dyn ErasedSource>,
    form: Form,
    header: HeaderName,
    state: Mutex<CacheState>,
}

/// What a call finds in the cache.
pub(in crate::client) enum Lookup {
    Ready(Credential),
    Wait(PendingFetch<FetchResult>),
    Failed(TokenSourceError),
}

/// What replaces a rejected credential.
pub(in crate::client) enum Renewal {
    /// A different credential.
    Newer(Credential),
    /// Nothing: the source returned the same one, or was asked a moment ago.
    NoNewerToken,
    Failed(TokenSourceError),
}

/// A renewal that may still be in progress.
pub(in crate::client) enum Renewing {
    Done(Renewal),
    Wait(PendingFetch<FetchResult>),
}

impl CredentialCache {
    pub(in crate::client) fn new(source: Box<dyn ErasedSource>, form: Form) -> Arc<Self> {
        let header = form.header();
        Arc::new(CredentialCache { source, form, header, state: Mutex::default() })
    }

    /// The header that carries the credential.
    pub(in crate::client) fn header(&self) -> &HeaderName {
        &self.header
    }

    /// Looks up the credential. Begins a fetch if one is due.
    pub(in crate::client) fn lookup(self: &Arc<Self>) -> Lookup {
        match self.idle_credential() {
            Some(credential) => Lookup::Ready(credential),
            None => self.lookup_or_fetch(),
        }
    }

    /// The fast path of nearly every call: a credential that wasn't rejected and needs no refresh.
    fn idle_credential(&self) -> Option<Credential> {
        let state = self.lock();
        let entry = state.entry.as_ref()?;
        let idle = !entry.rejected && entry.schedule.is_idle();
        idle.then(|| entry.credential.clone())
    }

    fn lookup_or_fetch(self: &Arc<Self>) -> Lookup {
        self.update(|state, now| {
            if let Some(entry) = &state.entry
                && entry.schedule.is_fresh(now)
                && !(entry.rejected && state.flight.current().is_some())
            {
                let credential = entry.credential.clone();
                let due = entry.schedule.wants_refresh(now) && state.may_fetch(now);
                return (Lookup::Ready(credential), due.then(|| self.begin(state, now)));
            }
            if let Some(pending) = state.flight.current() {
                return (Lookup::Wait(pending.clone()), None);
            }
            if let Some(error) = state.paused(now) {
                let error = error.clone();
                return (state.last_resort(now).map_or(Lookup::Failed(error), Lookup::Ready), None);
            }
            let task = self.begin(state, now);
            (Lookup::Wait(task.pending()), Some(task))
        })
    }

    /// Returns the credential. Waits for a fetch if there is none.
    pub(in crate::client) async fn credential(self: &Arc<Self>) -> FetchResult {
        for _ in 0..MAX_LOST {
            match self.lookup() {
                Lookup::Ready(credential) => return Ok(credential),
                Lookup::Failed(error) => return Err(error),
                Lookup::Wait(pending) => match self.outcome(pending).await {
                    Some(Ok(credential)) => return Ok(credential),
                    Some(Err(error)) => {
                        return self.lock().last_resort(Instant::now()).ok_or(error);
                    }
                    None => {}
                },
            }
        }
        Err(TokenSourceError::unreachable(
            "the runtime of the fetch was shut down, or makes no progress",
        ))
    }

    /// Notes that a server rejected `rejected`. Begins a fetch, unless there is a newer credential
    /// or a rejection has begun a fetch within `interval`.
    pub(in crate::client) fn reject(
        self: &Arc<Self>,
        rejected: &Credential,
        interval: Duration,
    ) -> Renewing {
        self.update(|state, now| {
            if let Some(entry) = &mut state.entry {
                if entry.credential.is_same(rejected) {
                    entry.rejected = true;
                } else if entry.schedule.is_fresh(now) {
                    // A late rejection of an older credential. The one in the cache is newer.
                    let newer = entry.credential.clone();
                    return (Renewing::Done(Renewal::Newer(newer)), None);
                }
            }
            if let Some(pending) = state.flight.current() {
                return (Renewing::Wait(pending.clone()), None);
            }
            if state.rejection_fetch.is_some_and(|last| now.duration_since(last) < interval) {
                return (Renewing::Done(Renewal::NoNewerToken), None);
            }
            if let Some(error) = state.paused(now) {
                return (Renewing::Done(Renewal::Failed(error.clone())), None);
            }
            state.rejection_fetch = Some(now);
            let task = self.begin(state, now);
            (Renewing::Wait(task.pending()), Some(task))
        })
    }

    /// Waits for the renewal that [`reject`](CredentialCache::reject) returned.
    pub(in crate::client) async fn renewal(
        &self,
        renewing: Renewing,
        rejected: &Credential,
    ) -> Renewal {
        match renewing {
            Renewing::Done(renewal) => renewal,
            Renewing::Wait(pending) => match self.outcome(pending).await {
                Some(Ok(credential)) if !credential.is_same(rejected) => Renewal::Newer(credential),
                Some(Ok(_)) | None => Renewal::NoNewerToken,
                Some(Err(error)) => Renewal::Failed(error),
            },
        }
    }

    /// Waits for the outcome of a fetch. `None` if it is lost or its runtime was shut down.
    pub(super) async fn outcome(&self, pending: PendingFetch<FetchResult>) -> Option<FetchResult> {
        let outcome = pending.clone().outcome_in_time().await;
        if outcome.is_none() {
            self.lock().remove(&pending);
        }
        outcome
    }

    /// Changes the state, and starts the task of the fetch that `change` began.
    fn update<T>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut CacheState, Instant) -> (T, Option<FetchTask>),
    ) -> T {
        let now = Instant::now();
        let (result, task) = {
            let mut state = self.lock();
            state.remove_lost(now);
            change(&mut state, now)
        };
        // Without the lock: a runtime that is shutting down drops the task at once, which takes the lock.
        if let Some(task) = task {
            task.spawn();
        }
        result
    }

    /// Begins a fetch. The caller spawns its task.
    pub(super) fn begin(self: &Arc<Self>, state: &mut CacheState, now: Instant) -> FetchTask {
        let fetch = state.flight.begin(now, self.source.deadline().saturating_add(SLACK));
        FetchTask { cache: Arc::clone(self), fetch, ended: false }
    }

    /// Stores what the source returned for a fetch that began at `begin`.
    fn store(
        &self,
        fetch: &PendingFetch<FetchResult>,
        begin: Instant,
        result: Result<Token, TokenSourceError>,
    ) -> FetchResult {
        let result = result.and_then(|token| {
            if token.life.is_some_and(|life| life.is_zero()) {
                return Err(unusable(&token, "the token has already expired"));
            }
            let credential = self
                .form
                .credential(&token.secret)
                .map_err(|error| unusable(&token, &error.describe(&token.secret)))?;
            Ok((credential, Schedule::new(begin, token.life, token.refresh_after)))
        });
        if let Err(error) = &result {
            // Without the lock: a subscriber may make calls with these credentials.
            tracing::warn!(target: "tonic_guard", error = %WithCauses(error), "a token can't be fetched");
        }
        let now = Instant::now();
        let mut state = self.lock();
        if !state.remove(fetch) {
            // It was lost. A newer credential is in the cache or being fetched.
            return result.map(|(credential, _)| credential);
        }
        match result {
            Ok((credential, schedule)) => {
                state.store(credential.clone(), schedule, now);
                Ok(credential)
            }
            Err(error) => {
                state.fail(error.clone(), now);
                Err(error)
            }
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, CacheState> {
        // No foreign code runs under the lock, so a panic can't leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fetch, as the task that runs it owns it. When it is dropped, the next call may begin another.
pub(super) struct FetchTask {
    cache: Arc<CredentialCache>,
    fetch: Fetch<FetchResult>,
    ended: bool,
}

impl FetchTask {
    fn pending(&self) -> PendingFetch<FetchResult> {
        self.fetch.pending().clone()
    }

    fn spawn(mut self) {
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(self.run())),
            Err(_) => self.fail("a fetch needs a tokio runtime"),
        }
    }

    async fn run(mut self) {
        let begin = Instant::now();
        let source = &self.cache.source;
        let result = timeout(source.deadline(), source.token()).await;
        let late = || TokenSourceError::unreachable("the source exceeded its deadline");
        self.end(begin, result.unwrap_or_else(|_| Err(late())));
    }

    /// Ends the fetch without a token.
    fn fail(&mut self, why: &'static str) {
        self.end(Instant::now(), Err(TokenSourceError::unreachable(why)));
    }

    fn end(&mut self, begin: Instant, result: Result<Token, TokenSourceError>) {
        let outcome = self.cache.store(self.fetch.pending(), begin, result);
        self.ended = true;
        self.fetch.finish(outcome);
    }
}

impl Drop for FetchTask {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        if thread::panicking() {
            self.fail("the source panicked");
        } else {
            self.cache.lock().remove(self.fetch.pending());
        }
    }
}

/// The error of a token that can't be sent, which names the token's origin.
fn unusable(token: &Token, why: &str) -> TokenSourceError {
    TokenSourceError::unusable(match &token.origin {
        Some(origin) => format!("{origin}: {why}"),
        None => why.to_owned(),
    })
}
