use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;

use super::{
    cache::OutcomeCache,
    client_authentication::ClientAuthentication,
    endpoint::IntrospectionEndpoint,
    expectations::{AudienceMatcher, IssuerMatcher, ResponseExpectations},
    introspector::{Introspector, Requests},
    token_digest::DigestKey,
};
use crate::{
    authenticate::{Authenticate, Authenticated},
    error::AuthError,
    net::http_client::{HttpClient, HttpError, redact_url},
    scheme::{Bearer, BearerToken},
    verifiers::shared::claims::Claims,
};

/// Verifies bearer tokens at an introspection endpoint. The identity is `C`, the claims.
///
/// A clone shares the caches and the connections.
pub struct IntrospectionVerifier<C = Claims> {
    introspector: Arc<Introspector>,
    claims: PhantomData<fn() -> C>,
}

/// Settings of an [`IntrospectionVerifier`].
#[must_use]
pub struct IntrospectionVerifierBuilder<C = Claims> {
    endpoint: String,
    client: ClientAuthentication,
    expectations: ResponseExpectations,
    http: Option<HttpClient>,
    cache_ttl: Duration,
    negative_cache_ttl: Duration,
    cache_bytes: u64,
    max_concurrent: usize,
    claims: PhantomData<fn() -> C>,
}

impl<C: DeserializeOwned + Send + Sync + 'static> IntrospectionVerifier<C> {
    /// Creates a builder: for the URL of the endpoint, with the credentials of this service there, and
    /// for tokens of this issuer and audience.
    pub fn builder(
        endpoint: impl Into<String>,
        client: ClientAuthentication,
        issuer: IssuerMatcher,
        audience: AudienceMatcher,
    ) -> IntrospectionVerifierBuilder<C> {
        let clock_skew = Duration::from_secs(60);
        IntrospectionVerifierBuilder {
            endpoint: endpoint.into(),
            client,
            expectations: ResponseExpectations { issuer, audience, clock_skew },
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
    /// Sets the HTTP client that reaches the endpoint. [`HttpClient::new`] by default.
    pub fn http_client(self, http: HttpClient) -> Self {
        IntrospectionVerifierBuilder { http: Some(http), ..self }
    }

    /// Sets how long an active token is cached, unless its `exp` comes first. The time counts from the
    /// request. A minute by default. With zero each call sends a request, unless one for its token is under
    /// way.
    pub fn cache_ttl(self, cache_ttl: Duration) -> Self {
        IntrospectionVerifierBuilder { cache_ttl, ..self }
    }

    /// Sets how long a rejected token is cached. The time counts from the request. Five seconds by
    /// default. With zero each call sends a request, unless one for its token is under way.
    pub fn negative_cache_ttl(self, negative_cache_ttl: Duration) -> Self {
        IntrospectionVerifierBuilder { negative_cache_ttl, ..self }
    }

    /// Sets the size of the cache of active tokens, in bytes. 16 MiB by default.
    pub fn cache_bytes(self, bytes: u64) -> Self {
        IntrospectionVerifierBuilder { cache_bytes: bytes, ..self }
    }

    /// Sets how many requests may be under way at the same time. 128 by default. A call that would need another
    /// one is rejected as UNAVAILABLE.
    pub fn max_concurrent(self, requests: usize) -> Self {
        IntrospectionVerifierBuilder { max_concurrent: requests, ..self }
    }

    /// Sets how far the clocks of this service and of the authorization server may differ, for `exp` and
    /// `nbf`. A minute by default.
    pub fn clock_skew(self, clock_skew: Duration) -> Self {
        let expectations = ResponseExpectations { clock_skew, ..self.expectations };
        IntrospectionVerifierBuilder { expectations, ..self }
    }

    /// Builds the verifier, without a request to the endpoint.
    ///
    /// # Errors
    /// When the endpoint isn't a URL or isn't https (see [`HttpClient`]), when no HTTP client can be
    /// created, and when the system has no random bytes.
    pub fn build(self) -> Result<IntrospectionVerifier<C>, HttpError> {
        let http = self.http.map_or_else(HttpClient::new, Ok)?;
        let url = http.url(&self.endpoint)?;
        let digest_key = DigestKey::generate()
            .map_err(|_| HttpError::other("the system has no random bytes"))?;
        let introspector = Introspector {
            endpoint: IntrospectionEndpoint { url, client: self.client, http },
            expectations: self.expectations,
            digest_key,
            cache: OutcomeCache::new(self.cache_ttl, self.negative_cache_ttl, self.cache_bytes),
            requests: Requests::new(self.max_concurrent),
        };
        Ok(IntrospectionVerifier { introspector: Arc::new(introspector), claims: PhantomData })
    }
}

impl<C: DeserializeOwned + Send + Sync + 'static> Authenticate<Bearer>
    for IntrospectionVerifier<C>
{
    type Identity = C;

    async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<C>, AuthError> {
        // The claims are deserialized in each call and not in the shared task, so that a panic of
        // custom code there rejects this call only.
        self.introspector.check(token).await?.claims().map(Authenticated::new)
    }

    fn deadline(&self) -> Duration {
        self.introspector.endpoint.deadline()
    }
}

impl<C> Clone for IntrospectionVerifier<C> {
    fn clone(&self) -> Self {
        IntrospectionVerifier { introspector: Arc::clone(&self.introspector), claims: PhantomData }
    }
}

impl<C> fmt::Debug for IntrospectionVerifier<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Introspector { endpoint, expectations, .. } = &*self.introspector;
        f.debug_struct("IntrospectionVerifier")
            .field("endpoint", &redact_url(&endpoint.url))
            .field("client", &endpoint.client)
            .field("expectations", expectations)
            .finish_non_exhaustive()
    }
}

impl<C> fmt::Debug for IntrospectionVerifierBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectionVerifierBuilder")
            .field("client", &self.client)
            .field("expectations", &self.expectations)
            .finish_non_exhaustive()
    }
}
