//! Opaque bearer tokens, checked by asking the authorization server (RFC 7662).
//!
//! An [`IntrospectionVerifier`] sends the token of a call to the server's introspection endpoint and
//! judges the answer: `active` is the boolean `true`, the token comes from the issuer and is for the
//! audience that the service names, nothing says that it is another kind of token, and its times hold. The
//! claims go to the handler as [`Claims`] or as a type of yours.
//!
//! ```no_run
//! use tonic::{Request, Response, Status};
//! use tonic_guard::introspection::{
//!     AudienceMatcher, Claims, ClientAuthentication, IntrospectionVerifier, IssuerMatcher,
//! };
//! use tonic_guard::{Authenticate, authenticated};
//!
//! # #[tonic::async_trait]
//! # trait Greeter {
//! #     async fn greet(&self, request: Request<()>) -> Result<Response<String>, Status>;
//! # }
//! #[derive(Authenticate)]
//! struct MyGreeter {
//!     #[verifies("bearer")]
//!     tokens: IntrospectionVerifier<Claims>,
//! }
//!
//! #[authenticated(scheme = "bearer", scopes("greet"))]
//! #[tonic::async_trait]
//! impl Greeter for MyGreeter {
//!     async fn greet(
//!         &self,
//!         _: Request<()>,
//!         #[identity] caller: Claims,
//!     ) -> Result<Response<String>, Status> {
//!         Ok(Response::new(format!("hello {}", caller.subject().unwrap_or("stranger"))))
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let tokens = IntrospectionVerifier::builder(
//!     "https://id.example/oauth2/introspect",
//!     ClientAuthentication::basic("greeter", std::env::var("INTROSPECTION_SECRET")?),
//!     IssuerMatcher::is("https://id.example"),
//!     AudienceMatcher::includes("https://greeter.example"),
//! )
//! .build()?;
//! let greeter = MyGreeter { tokens };
//! # Ok(())
//! # }
//! ```
//!
//! # What is asked, and how often
//!
//! A token that was found good is remembered for a minute, or until its `exp` if that comes first:
//! for so long a revoked token still gets in. [`cache_ttl`](IntrospectionVerifierBuilder::cache_ttl) sets it, and
//! zero turns it off. A token that was found bad is remembered for five seconds, apart from the good
//! ones, so that bad tokens can't push good ones out. Both are bounded in bytes and keyed by a digest
//! under a key made at start: neither holds a token.
//!
//! Calls that bring the same token at the same time share one request. It runs in a task of its own:
//! a caller that goes away disturbs nobody. There is a limit on requests at once, and a call beyond
//! it is refused as UNAVAILABLE.
//!
//! # What can't be decided
//!
//! An endpoint that is out of reach, slow, answers with anything but 200, refuses this service's own
//! credentials or says what isn't an introspection response leaves the question open: the call is
//! refused as UNAVAILABLE, the cause is in the decision's event, and nothing is remembered.

mod answer;
mod client_authentication;
mod flight;

use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

use aws_lc_rs::{hmac, rand::SystemRandom};
use quick_cache::{Weighter, sync::Cache};
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::Url;

use self::{
    answer::{Active, Expected, Refused},
    flight::{Flights, Outcome},
};
pub use self::{
    answer::{AudienceMatcher, IssuerMatcher},
    client_authentication::ClientAuthentication,
};
pub use crate::verifiers::shared::claims::Claims;
use crate::{
    authenticate::Authenticate,
    error::AuthError,
    net::http_client::{HttpClient, HttpError},
    scheme::{Bearer, BearerToken},
    verifiers::shared::lifetime::Now,
};

/// What is left of a token once it was looked at: a MAC under a key that only this process knows.
type Digest = [u8; 32];

/// Checks bearer tokens at an introspection endpoint. The identity is `C`, the claims.
///
/// A clone shares the caches and the connections.
pub struct IntrospectionVerifier<C = Claims> {
    asker: Arc<Asker>,
    claims: PhantomData<fn() -> C>,
}

/// Settings of an [`IntrospectionVerifier`].
#[must_use]
pub struct IntrospectionVerifierBuilder<C = Claims> {
    endpoint: String,
    client: ClientAuthentication,
    expected: Expected,
    http: Option<HttpClient>,
    cache_ttl: Duration,
    negative_cache_ttl: Duration,
    cache_bytes: u64,
    max_concurrent: usize,
    claims: PhantomData<fn() -> C>,
}

impl<C: DeserializeOwned + Send + Sync + 'static> IntrospectionVerifier<C> {
    /// Settings to begin with: the endpoint, how this service authenticates there, and which tokens
    /// are meant for it.
    pub fn builder(
        endpoint: impl Into<String>,
        client: ClientAuthentication,
        issuer: IssuerMatcher,
        audience: AudienceMatcher,
    ) -> IntrospectionVerifierBuilder<C> {
        IntrospectionVerifierBuilder {
            endpoint: endpoint.into(),
            client,
            expected: Expected { issuer, audience, skew: Duration::from_secs(60) },
            http: None,
            cache_ttl: Duration::from_secs(60),
            negative_cache_ttl: Duration::from_secs(5),
            cache_bytes: 16 * 1024 * 1024,
            max_concurrent: 128,
            claims: PhantomData,
        }
    }
}

impl<C> IntrospectionVerifierBuilder<C> {
    /// How the endpoint is reached. By default as [`HttpClient::new`] says.
    pub fn http_client(self, http: HttpClient) -> Self {
        IntrospectionVerifierBuilder { http: Some(http), ..self }
    }

    /// How long a good token is good without asking again, if its `exp` doesn't come first, from when
    /// the question was asked. A minute by default; zero asks for every call that comes while no question
    /// about its token is under way.
    pub fn cache_ttl(self, cache_ttl: Duration) -> Self {
        IntrospectionVerifierBuilder { cache_ttl, ..self }
    }

    /// How long a bad token is bad without asking again. Five seconds by default; zero asks for
    /// every call.
    pub fn negative_cache_ttl(self, negative_cache_ttl: Duration) -> Self {
        IntrospectionVerifierBuilder { negative_cache_ttl, ..self }
    }

    /// How many bytes of answers are remembered. 16 MiB by default.
    pub fn cache_bytes(self, bytes: u64) -> Self {
        IntrospectionVerifierBuilder { cache_bytes: bytes, ..self }
    }

    /// How many requests may be under way at once. 128 by default. A call that would need one more
    /// is refused as UNAVAILABLE.
    pub fn max_concurrent(self, requests: usize) -> Self {
        IntrospectionVerifierBuilder { max_concurrent: requests, ..self }
    }

    /// How far the clocks of this service and the authorization server may differ, for `exp` and
    /// `nbf`. A minute by default.
    pub fn clock_skew(self, skew: Duration) -> Self {
        IntrospectionVerifierBuilder { expected: Expected { skew, ..self.expected }, ..self }
    }

    /// Makes the verifier. It asks nothing yet.
    ///
    /// # Errors
    /// When the endpoint isn't a URL or isn't https (see [`HttpClient`]), or no HTTP client can be
    /// made.
    pub fn build(self) -> Result<IntrospectionVerifier<C>, HttpError> {
        let http = self.http.map_or_else(HttpClient::new, Ok)?;
        let endpoint = http.url(&self.endpoint)?;
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .map_err(|_| HttpError::mistake("the system gives no random bytes"))?;
        let asker = Asker {
            endpoint,
            client: self.client,
            expected: self.expected,
            http,
            key,
            cache_ttl: self.cache_ttl,
            negative_cache_ttl: self.negative_cache_ttl,
            active: Cache::with_weighter(1024, self.cache_bytes, ByBytes),
            refused: Cache::new(MOST_REFUSALS),
            flights: Flights::new(self.max_concurrent),
        };
        Ok(IntrospectionVerifier { asker: Arc::new(asker), claims: PhantomData })
    }
}

impl<C: DeserializeOwned + Send + Sync + 'static> Authenticate<Bearer>
    for IntrospectionVerifier<C>
{
    type Identity = C;

    async fn authenticate(&self, token: BearerToken) -> Result<C, AuthError> {
        // Here and not in the task that callers share, so that claims whose reading panics refuse
        // the call as any panic does.
        self.asker.check(token).await?.claims()
    }

    fn deadline(&self) -> Duration {
        self.asker.http.deadline()
    }
}

/// How many refusals are remembered: some 64 bytes each.
const MOST_REFUSALS: usize = 16 * 1024;

/// What all clones of a verifier share.
struct Asker {
    endpoint: Url,
    client: ClientAuthentication,
    expected: Expected,
    http: HttpClient,
    key: hmac::Key,
    cache_ttl: Duration,
    negative_cache_ttl: Duration,
    active: Cache<Digest, Remembered, ByBytes>,
    // A cache of its own: whoever sends bad tokens must not push good ones out.
    refused: Cache<Digest, (Refused, Instant)>,
    flights: Flights,
}

/// A good answer and when it is to be asked for again.
#[derive(Clone)]
struct Remembered {
    active: Arc<Active>,
    until: Instant,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Digest, Remembered> for ByBytes {
    fn weight(&self, _: &Digest, remembered: &Remembered) -> u64 {
        remembered.active.weight()
    }
}

impl Asker {
    async fn check(self: &Arc<Self>, token: BearerToken) -> Result<Arc<Active>, AuthError> {
        let digest = self.digest(&token)?;
        match self.recall(&digest) {
            Some(known) => known.into_result(),
            None => self.asked(digest, token).await,
        }
    }

    fn digest(&self, token: &BearerToken) -> Result<Digest, AuthError> {
        let mut digest = Digest::default();
        hmac::sign_to_buffer(&self.key, token.as_str().as_bytes(), &mut digest)
            .map_err(|_| AuthError::unavailable().because("the token's digest can't be made"))?;
        Ok(digest)
    }

    /// What is known without asking.
    fn recall(&self, digest: &Digest) -> Option<Outcome> {
        let now = Now::read();
        if let Some(Remembered { active, until }) = self.active.get(digest) {
            // The wall clock may have been set since.
            if now.monotonic() < until && active.lifetime().check(now).is_ok() {
                return Some(Outcome::Active(active));
            }
            self.active.remove(digest);
        }
        match self.refused.get(digest) {
            Some((refused, until)) if now.monotonic() < until => Some(Outcome::Refused(refused)),
            Some(_) => {
                self.refused.remove(digest);
                None
            }
            None => None,
        }
    }

    /// Asks the endpoint.
    async fn ask(&self, token: &BearerToken) -> Outcome {
        let answer = match self.client.request(&self.endpoint, token) {
            Ok(request) => self.http.send(request).await,
            Err(error) => Err(HttpError::unusable(&self.endpoint, error.to_string())),
        };
        match answer.and_then(|answer| answer::read(&self.endpoint, &answer)) {
            Ok(response) => match self.expected.judge(response, Now::read()) {
                Ok(active) => Outcome::Active(Arc::new(active)),
                Err(refused) => Outcome::Refused(refused),
            },
            Err(error) => Outcome::Open(error),
        }
    }

    /// Remembers what became of a question that was asked at `begun`: what the endpoint says may have ceased to
    /// hold while its answer was on the way.
    fn remember(&self, digest: Digest, begun: Instant, outcome: &Outcome) {
        let now = Now::read();
        let waited = now.monotonic().saturating_duration_since(begun);
        // When what is left of an age ends, if it ever does and hasn't already.
        let end =
            |left: Duration| now.monotonic().checked_add(left).filter(|end| *end > now.monotonic());
        match outcome {
            Outcome::Active(active) => {
                let left = active.lifetime().remaining(now, self.cache_ttl.saturating_sub(waited));
                if let Some(until) = end(left) {
                    self.active.insert(digest, Remembered { active: Arc::clone(active), until });
                }
            }
            Outcome::Refused(refused) => {
                if let Some(until) = end(self.negative_cache_ttl.saturating_sub(waited)) {
                    self.refused.insert(digest, (*refused, until));
                }
            }
            Outcome::Open(_) => {}
        }
    }
}

impl<C> Clone for IntrospectionVerifier<C> {
    fn clone(&self) -> Self {
        IntrospectionVerifier { asker: Arc::clone(&self.asker), claims: PhantomData }
    }
}

impl<C> fmt::Debug for IntrospectionVerifier<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectionVerifier")
            .field("endpoint", &crate::net::http_client::shown(&self.asker.endpoint))
            .field("client", &self.asker.client)
            .field("expected", &self.asker.expected)
            .finish_non_exhaustive()
    }
}

impl<C> fmt::Debug for IntrospectionVerifierBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectionVerifierBuilder")
            .field("client", &self.client)
            .field("expected", &self.expected)
            .finish_non_exhaustive()
    }
}
