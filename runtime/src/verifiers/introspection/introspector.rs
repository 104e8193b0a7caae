use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;

use super::{
    cache::OutcomeCache,
    endpoint::IntrospectionEndpoint,
    expectations::ResponseExpectations,
    outcome::IntrospectionOutcome,
    response::ActiveToken,
    token_digest::{DigestKey, TokenDigest},
};
use crate::{
    error::AuthError,
    net::single_flight::{Fetch, PendingFetch, SingleFlight},
    scheme::BearerToken,
    verifiers::shared::lifetime::Now,
};

/// Checks tokens: by the cache, by a request under way, or by a new request. All clones of a verifier share
/// it.
pub(super) struct Introspector {
    pub(super) endpoint: IntrospectionEndpoint,
    pub(super) expectations: ResponseExpectations,
    pub(super) digest_key: DigestKey,
    pub(super) cache: OutcomeCache,
    pub(super) requests: Requests,
}

/// The requests under way: a single flight per token.
pub(super) struct Requests {
    by_token: Mutex<HashMap<TokenDigest, SingleFlight<IntrospectionOutcome>>>,
    max: usize,
}

impl Requests {
    pub(super) fn new(max: usize) -> Self {
        Requests { by_token: Mutex::default(), max }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TokenDigest, SingleFlight<IntrospectionOutcome>>> {
        self.by_token.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a call gets its outcome.
enum Joined {
    Cached(IntrospectionOutcome),
    Pending(PendingFetch<IntrospectionOutcome>),
    /// This call begins the request.
    Begun(Request),
}

impl Introspector {
    pub(super) async fn check(
        self: &Arc<Self>,
        token: BearerToken,
    ) -> Result<Arc<ActiveToken>, AuthError> {
        let digest = self.digest_key.digest(&token)?;
        match self.cache.get(&digest) {
            Some(outcome) => outcome.into_result(),
            None => self.request(digest, token).await,
        }
    }

    /// The outcome of the request that is under way for this token, or of a new one.
    async fn request(
        self: &Arc<Self>,
        digest: TokenDigest,
        token: BearerToken,
    ) -> Result<Arc<ActiveToken>, AuthError> {
        let pending = match self.join(digest)? {
            Joined::Cached(outcome) => return outcome.into_result(),
            Joined::Pending(pending) => pending,
            Joined::Begun(request) => {
                let pending = request.fetch.pending().clone();
                // Its own task: this call may be cancelled while others wait.
                tokio::spawn(request.run(token));
                pending
            }
        };
        // When nobody drives that task, the deadline of the verifier ends the wait.
        let ended = || {
            let cause = "the introspection request ended without an outcome";
            AuthError::unavailable().because(cause)
        };
        pending.outcome().await.ok_or_else(ended)?.into_result()
    }

    fn join(self: &Arc<Self>, digest: TokenDigest) -> Result<Joined, AuthError> {
        let mut requests = self.requests.lock();
        // A request may have ended since the first look into the cache.
        if let Some(outcome) = self.cache.get(&digest) {
            return Ok(Joined::Cached(outcome));
        }
        let now = Instant::now();
        if let Some(pending) = requests.get(&digest).and_then(SingleFlight::current)
            && !pending.is_lost(now)
        {
            return Ok(Joined::Pending(pending.clone()));
        }
        let max = self.requests.max;
        if requests.len() >= max {
            requests.retain(|_, flight| flight.current().is_some_and(|it| !it.is_lost(now)));
        }
        if requests.len() >= max {
            let cause = format!("{max} introspection requests are under way");
            return Err(AuthError::unavailable().because(cause));
        }
        // A lost request for the same token keeps its own callers.
        let mut flight = SingleFlight::default();
        let fetch = flight.begin(now, self.endpoint.deadline());
        requests.insert(digest, flight);
        let pending = fetch.pending().clone();
        let registration = Registration { introspector: Arc::clone(self), digest, pending };
        Ok(Joined::Begun(Request { registration, fetch, sent: now }))
    }

    async fn introspect(&self, token: &BearerToken) -> IntrospectionOutcome {
        match self.endpoint.introspect(token).await {
            Ok(response) => match self.expectations.check(response, Now::read()) {
                Ok(token) => IntrospectionOutcome::Active(Arc::new(token)),
                Err(reason) => IntrospectionOutcome::Rejected(reason),
            },
            Err(error) => IntrospectionOutcome::Unavailable(error),
        }
    }
}

/// A request, as the task that sends it owns it.
struct Request {
    registration: Registration,
    fetch: Fetch<IntrospectionOutcome>,
    sent: Instant,
}

impl Request {
    async fn run(self, token: BearerToken) {
        // In this order, which is the reverse of the drops: if this task is cancelled, its callers are woken
        // without the lock that `registration` takes.
        let Request { fetch, registration, sent } = self;
        let outcome = registration.introspector.introspect(&token).await;
        // In the cache first: a call that finds no request under way looks there once more.
        registration.introspector.cache.insert(registration.digest, sent, &outcome);
        drop(registration);
        fetch.finish(outcome);
    }
}

/// The place of a request among those under way. When it is dropped, another request for the same token
/// may begin.
struct Registration {
    introspector: Arc<Introspector>,
    digest: TokenDigest,
    pending: PendingFetch<IntrospectionOutcome>,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut requests = self.introspector.requests.lock();
        // If this request was lost, another may have replaced it.
        if requests.get(&self.digest).is_some_and(|flight| flight.is_current(&self.pending)) {
            requests.remove(&self.digest);
        }
    }
}
