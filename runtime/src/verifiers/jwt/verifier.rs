use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;

use super::{
    algorithm::Algorithm,
    audience::Audience,
    cache::VerifiedTokens,
    claim_rules::ClaimRules,
    expectations::{Profile, TokenExpectations},
    issuers::Issuers,
    key_source::KeySource,
    newer_keys::NewerKeys,
    unverified_token::{UnverifiedToken, VerifiedToken},
};
use crate::{
    authenticate::{Authenticate, Authenticated, Immediate},
    error::AuthError,
    scheme::{Bearer, BearerToken},
    verifiers::shared::{claims::Claims, lifetime::Now},
};

const DEFAULT_CLOCK_SKEW: Duration = Duration::from_secs(60);

const DEFAULT_CACHE_BYTES: usize = 16 * 1024 * 1024;

/// Verifies bearer tokens that are signed JWTs. The identity is `C`, the claims.
///
/// ```
/// use tonic_guard::jwt::{Algorithm, Claims, JwtVerifier, Key};
/// use tonic_guard::Authenticate;
///
/// # fn main() -> Result<(), tonic_guard::jwt::KeyRejected> {
/// # let pem = "-----BEGIN PUBLIC KEY-----
/// # MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
/// # -----END PUBLIC KEY-----";
/// #[derive(Authenticate)]
/// struct Orders {
///     #[verifies("bearer")]
///     tokens: JwtVerifier<Claims>,
/// }
///
/// let orders = Orders {
///     tokens: JwtVerifier::access_tokens("https://id.example", "https://orders.example")
///         .build(Key::from_pem(Algorithm::EdDSA, pem)?),
/// };
/// # Ok(())
/// # }
/// ```
///
/// # Rejected tokens
///
/// A token is malformed if it isn't a JWS in compact form with a JOSE header and a JSON payload
/// (RFC 7515), or if it has more than 16 KiB. It is expired if its `exp` is past by more than the
/// [clock skew](JwtVerifierBuilder::clock_skew). It is invalid, without further details for the
/// caller, if
///
/// - it isn't signed by a key of its `kid`, or by a possible key if there is none, with its `alg`. The
///   key must be bound to that `alg` (RFC 8725, section 3.1), and `none` isn't supported.
/// - its header has a `crit` or a `b64`. No extension is supported.
/// - its `typ` is that of another kind of token (see the three constructors).
/// - its `iss` isn't one of the [`Issuers`], or its `aud`, a string or a list, contains none of the [`Audience`].
/// - a claim that [`require_claim`](JwtVerifierBuilder::require_claim) or
///   [`require_one_of_claims`](JwtVerifierBuilder::require_one_of_claims) requires is missing or differs.
/// - the key that signed it has an `issuer` in its JWK, as those of Microsoft Entra ID do, and that isn't the `iss`.
/// - it has no `exp`, or its `exp`, `nbf` or `iat` isn't a number, or its `nbf` is in the future by more
///   than the clock skew. The value of `iat` isn't checked.
/// - it has a `cnf`. The token is bound to a key, which a bearer doesn't prove to have.
/// - its header or payload has a duplicate member.
/// - its claims don't deserialize as `C`.
///
/// Header members that contain a key or a URL of one (`jwk`, `jku`, `x5c`, `x5u`) are ignored.
///
/// # Clock skew
///
/// The clocks of an issuer and of a service differ. So a token is accepted for a while after its `exp` and
/// before its `nbf`: by default for a minute. [`clock_skew`](JwtVerifierBuilder::clock_skew) sets it.
///
/// # The cache
///
/// The verification of a signature takes longer than all other steps together. So verified tokens are
/// cached. A look-up compares the whole token and checks that the key which signed it is still trusted and
/// that the token is still valid. After five minutes the signature is verified again. The cache contains the
/// tokens in plaintext: see [the manual](crate::manual::identity_providers#tokens-in-memory).
/// [`cache_bytes`](JwtVerifierBuilder::cache_bytes) sets its size, and 0 turns it off.
pub struct JwtVerifier<C = Claims>(Arc<Verifier<C>>);

struct Verifier<C> {
    expected: TokenExpectations,
    keys: KeySource,
    cache: Option<VerifiedTokens<C>>,
}

/// The settings of a [`JwtVerifier`]. [`build`](JwtVerifierBuilder::build) adds the keys.
///
/// A token is accepted for the clock skew, by default a minute, after its `exp`.
#[must_use]
pub struct JwtVerifierBuilder<C = Claims> {
    pub(super) expected: TokenExpectations,
    cache_bytes: usize,
    claims: PhantomData<fn() -> C>,
}

impl<C: DeserializeOwned + Clone + Send + Sync + 'static> JwtVerifier<C> {
    /// Accepts access tokens that are marked as such: their `typ` is `at+jwt` (RFC 9068).
    ///
    /// Other tokens of the same issuer are rejected. `issuer` is the exact `iss` of the tokens, and
    /// `audience` the name of this service at the issuer. An empty issuer or audience rejects every token.
    /// [`Issuers`] and [`Audience`] accept several.
    pub fn access_tokens(
        issuer: impl Into<Issuers>,
        audience: impl Into<Audience>,
    ) -> JwtVerifierBuilder<C> {
        JwtVerifierBuilder::new(Profile::AccessToken, issuer.into(), audience.into())
    }

    /// Accepts JWTs of issuers that don't mark their access tokens: `typ` is `JWT`, `at+jwt` or absent.
    ///
    /// Tokens that are marked as another kind are rejected. The mark may be another `typ` (`logout+jwt`,
    /// `dpop+jwt`), a claim of ID tokens (`nonce`, `at_hash`, `c_hash`, `s_hash`), the claim `events` of
    /// logout and other event tokens, a `token_use` other than `access` or `access_token` (Amazon Cognito,
    /// Ory Hydra), or a claim `typ` of `ID`, `Refresh`, `Offline` or `Logout` (Keycloak).
    ///
    /// An ID token without any of these marks is rejected by its audience, which is that of the client. So
    /// never give a service the audience of a client. Access tokens of Keycloak before version 25 have a
    /// `nonce` and are rejected.
    pub fn any_jwt(
        issuer: impl Into<Issuers>,
        audience: impl Into<Audience>,
    ) -> JwtVerifierBuilder<C> {
        JwtVerifierBuilder::new(Profile::AnyJwt, issuer.into(), audience.into())
    }

    /// Accepts the ID tokens that a provider issued to these clients (OpenID Connect Core, section 3.1.3.7).
    ///
    /// An ID token proves that a user signed in at the provider for one of these clients. It doesn't prove that
    /// the user or the provider allows the client to call this service, and it grants no scopes. Everyone who
    /// receives it, such as the client's own server, can present it here. So prefer access tokens, and use ID
    /// tokens only where the provider has no others for your service: Dex, Google's command line tools, Apple.
    ///
    /// Of the audiences in `aud`, at least one is a client of `client_ids`, and the others are such clients or
    /// [authorized parties](JwtVerifierBuilder::authorized_parties). An `azp`, if present, is one of the
    /// authorized parties, which by default are the clients. The token has a `sub` and an `iat`. A `nonce`
    /// is ignored, because only the client knows which one it sent.
    ///
    /// A token that is marked as an access token is rejected: by a `typ` of `at+jwt`, a claim `scope` or `scp`, a
    /// `token_use` other than `id` or `id_token`, or a claim `typ` other than `ID`. Logout tokens (`events`) are
    /// rejected too.
    ///
    /// ```
    /// use tonic_guard::jwt::{Claims, JwtVerifier, JwtVerifierBuilder};
    ///
    /// let builder: JwtVerifierBuilder<Claims> =
    ///     JwtVerifier::id_tokens("https://dex.example", ["orders-cli"]);
    /// ```
    pub fn id_tokens(
        issuer: impl Into<Issuers>,
        client_ids: impl IntoIterator<Item = impl Into<String>>,
    ) -> JwtVerifierBuilder<C> {
        let audience = Audience::any_of(client_ids);
        JwtVerifierBuilder::new(Profile::IdToken, issuer.into(), audience)
    }
}

impl<C: DeserializeOwned + Clone + Send + Sync + 'static> JwtVerifierBuilder<C> {
    fn new(profile: Profile, issuers: Issuers, audience: Audience) -> Self {
        let expected = TokenExpectations {
            profile,
            issuers,
            audience,
            rules: ClaimRules::default(),
            clock_skew: DEFAULT_CLOCK_SKEW,
            algorithms: None,
        };
        JwtVerifierBuilder { expected, cache_bytes: DEFAULT_CACHE_BYTES, claims: PhantomData }
    }

    /// Sets the tolerated difference between the issuer's clock and this one. The default is a minute.
    ///
    /// A token is accepted for this long after its `exp` and before its `nbf`.
    pub fn clock_skew(mut self, skew: Duration) -> Self {
        self.expected.clock_skew = skew;
        self
    }

    /// Accepts only tokens signed with these algorithms. By default all those that the keys are bound to
    /// are accepted.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.expected.algorithms = Some(algorithms.into_iter().collect());
        self
    }

    /// Sets the approximate size of the cache of verified tokens. 0 turns it off.
    ///
    /// The default is 16 MiB, which holds some 3,500 tokens of the usual size. The claims count as much as a
    /// `serde_json::Value` of them takes. If your type `C` takes more, the cache takes more.
    pub fn cache_bytes(mut self, bytes: usize) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// Builds the verifier with the keys that it trusts: a [`Key`](super::Key), a [`KeySet`](super::KeySet), or the keys
    /// that an identity provider publishes (`RemoteKeys`, feature `jwks`). [`KeySource::any_of`] combines them.
    ///
    /// An event at INFO names each check that the settings waive.
    pub fn build(self, keys: impl Into<KeySource>) -> JwtVerifier<C> {
        self.expected.report_waived_checks();
        let cache = (self.cache_bytes > 0).then(|| VerifiedTokens::new(self.cache_bytes));
        JwtVerifier(Arc::new(Verifier { expected: self.expected, keys: keys.into(), cache }))
    }
}

impl<C: DeserializeOwned + Clone + Send + Sync + 'static> Verifier<C> {
    /// Returns the claims of a token that is cached and still valid.
    fn cached_claims(&self, token: &[u8]) -> Option<C> {
        let cache = self.cache.as_ref()?;
        let now = Now::read();
        self.keys.sources().iter().find_map(|source| cache.get(token, &*source.current()?, now))
    }

    /// Rejects a token from another header than `authorization` if the audience is waived. What a proxy puts
    /// there is safe by its signature and its audience alone.
    fn check_header(&self, token: &BearerToken) -> Result<(), AuthError> {
        if token.other_header().is_some() && self.expected.audience.is_waived() {
            return Err(AuthError::invalid().because(
                "a verifier with a waived audience reads the `authorization` header only",
            ));
        }
        Ok(())
    }

    async fn verify(&self, token: &str) -> Result<C, AuthError> {
        let mut unverified = UnverifiedToken::parse(token, &self.expected, Now::read())?;
        let algorithm = unverified.algorithm();
        let mut known = Vec::new();
        for source in self.keys.sources().iter().filter(|source| source.allows(algorithm)) {
            let keys = source.current().map(|keys| keys.to_arc());
            if let Some(keys) = &keys {
                unverified = match unverified.verify_signature(keys) {
                    Ok(verified) => return self.parse_claims(token, verified),
                    Err(unverified) => unverified,
                };
            }
            known.push((source, keys));
        }
        let kid = unverified.kid().map(str::to_owned);
        let mut newer = NewerKeys::new(known, kid.as_deref(), algorithm);
        let mut unavailable = None;
        while let Some(outcome) = newer.next().await {
            match outcome {
                Ok(None) => {}
                Err(error) => unavailable = Some(error),
                Ok(Some(keys)) => {
                    unverified = match unverified.verify_signature(&keys) {
                        Ok(verified) => return self.parse_claims(token, verified),
                        Err(unverified) => unverified,
                    }
                }
            }
        }
        Err(unavailable
            .unwrap_or_else(|| unverified.without_key("the token isn't signed by a trusted key")))
    }

    /// Deserializes the claims and caches the token.
    fn parse_claims(&self, token: &str, verified: VerifiedToken) -> Result<C, AuthError> {
        let VerifiedToken { payload, lifetime, key, unvouched } = verified;
        if let Some(tenant) = unvouched {
            tenant.check()?;
        }
        let claims: C = serde_json::from_str(&payload).map_err(|error| {
            AuthError::invalid().because(format!("the claims can't be deserialized: {error}"))
        })?;
        if let Some(cache) = &self.cache {
            let (token, payload) = (token.as_bytes(), payload.as_bytes());
            cache.insert(token, claims.clone(), payload, lifetime, key, Now::read());
        }
        Ok(claims)
    }
}

impl<C: DeserializeOwned + Clone + Send + Sync + 'static> Authenticate<Bearer> for JwtVerifier<C> {
    type Identity = C;

    async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<C>, AuthError> {
        self.0.check_header(&token)?;
        match self.0.cached_claims(token.as_bytes()) {
            Some(claims) => Ok(claims.into()),
            // Boxed, so that the future of a call with a cached token stays small.
            None => Box::pin(self.0.verify(token.as_str())).await.map(Authenticated::from),
        }
    }

    /// Answers for a cached token.
    fn authenticate_now(&self, token: BearerToken) -> Immediate<C, BearerToken> {
        if let Err(error) = self.0.check_header(&token) {
            return Immediate::Decided(Err(error));
        }
        match self.0.cached_claims(token.as_bytes()) {
            Some(claims) => Immediate::Decided(Ok(claims.into())),
            None => Immediate::Deferred(token),
        }
    }

    fn invalid_reason(&self) -> Option<&'static str> {
        Some("JWT_TOKEN_INVALID")
    }
}

impl<C> Clone for JwtVerifier<C> {
    fn clone(&self) -> Self {
        JwtVerifier(Arc::clone(&self.0))
    }
}

impl<C> fmt::Debug for JwtVerifier<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtVerifier")
            .field("expected", &self.0.expected)
            .field("keys", &self.0.keys)
            .field("cached", &self.0.cache.is_some())
            .finish()
    }
}

impl<C> fmt::Debug for JwtVerifierBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtVerifierBuilder")
            .field("expected", &self.expected)
            .field("cache_bytes", &self.cache_bytes)
            .finish()
    }
}
