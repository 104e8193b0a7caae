use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;

use super::{
    Algorithm, Claims, KeySource,
    cache::VerifiedTokens,
    expectations::{Expectations, Profile},
    unverified::{Signed, Unverified, invalid},
};
use crate::{
    authenticate::Authenticate,
    error::AuthError,
    scheme::{Bearer, BearerToken},
    verifiers::shared::lifetime::Now,
};

/// How far the clocks of an issuer and of a service may be apart.
const DEFAULT_SKEW: Duration = Duration::from_secs(60);

const DEFAULT_CACHE_BYTES: usize = 16 * 1024 * 1024;

/// Checks bearer tokens that are signed JWTs. The identity is `C`, the claims.
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
/// # What is refused
///
/// A token is malformed when it isn't a JWS in compact form with a JOSE header and a JSON payload
/// (RFC 7515), and when it has more than 16 KiB. It is expired when its `exp` has passed. It is invalid, and the
/// caller hears no more than that, when
///
/// - no key that its `kid` names, or that may be meant, has signed it with its `alg`, for which that key
///   must be bound (RFC 8725, section 3.1). There is no `none`.
/// - its header has a `crit` or a `b64`: no extension is understood.
/// - its `typ` is that of another kind of token (see the two profiles).
/// - its `iss` isn't the issuer, character by character, or its `aud`, a text or a list, doesn't have the
///   audience.
/// - it has no `exp`, or its `exp`, `nbf` or `iat` isn't a number, or its `nbf` is to come. When it was
///   made (`iat`) isn't judged.
/// - it has a `cnf`: it is bound to a key that the caller must prove to have, and a bearer proves none.
/// - a member stands twice in its header or its payload.
/// - its claims don't fit `C`.
///
/// Whatever names a key or a place to fetch one from in a header (`jwk`, `jku`, `x5c`, `x5u`) isn't looked
/// at.
///
/// # The cache
///
/// Checking a signature takes far longer than all else. So verified tokens are kept, and a token that is
/// presented again is compared with the one that was kept. Each look-up asks whether the key that signed it
/// is still trusted and whether the token is good now; after five minutes the signature is checked
/// again. The tokens stand in memory as they came: see
/// [the manual](crate::manual::identity_providers#tokens-in-memory).
/// [`cache_bytes`](JwtVerifierBuilder::cache_bytes) sets the size, and 0 turns it off.
pub struct JwtVerifier<C = Claims>(Arc<Verifier<C>>);

struct Verifier<C> {
    expected: Expectations,
    keys: KeySource,
    cache: Option<VerifiedTokens<C>>,
}

/// What a [`JwtVerifier`] expects, until it is given its keys.
#[must_use]
pub struct JwtVerifierBuilder<C = Claims> {
    expected: Expectations,
    cache_bytes: usize,
    claims: PhantomData<fn() -> C>,
}

impl<C: DeserializeOwned + Clone + Send + Sync + 'static> JwtVerifier<C> {
    /// Takes access tokens that say so: their `typ` is `at+jwt` (RFC 9068).
    ///
    /// No other kind of token of the same issuer passes for one. `issuer` is the `iss` that tokens have,
    /// character by character; `audience` is this service's name at the issuer. Where one of them is empty,
    /// no token is good.
    pub fn access_tokens(
        issuer: impl Into<String>,
        audience: impl Into<String>,
    ) -> JwtVerifierBuilder<C> {
        JwtVerifierBuilder::new(Profile::AccessToken, issuer.into(), audience.into())
    }

    /// Takes JWTs of issuers that don't say what they are for: `typ` is `JWT`, `at+jwt` or absent.
    ///
    /// Refused are tokens that say that they are something else: by another `typ` (`logout+jwt`,
    /// `dpop+jwt`), by the claims of ID tokens (`nonce`, `at_hash`, `c_hash`, `s_hash`), by `events`, which logout
    /// and other event tokens have, by a `token_use` that isn't `access` or
    /// `access_token` (Amazon Cognito, Ory Hydra), or by a claim `typ` of `ID`, `Refresh`, `Offline` or
    /// `Logout` (Keycloak).
    ///
    /// An ID token may have none of these. What keeps it out then is the audience, which is the
    /// client's: never give a service the same audience as a client. Access tokens of Keycloak before version 25 have
    /// a `nonce` and are refused.
    pub fn any_jwt(
        issuer: impl Into<String>,
        audience: impl Into<String>,
    ) -> JwtVerifierBuilder<C> {
        JwtVerifierBuilder::new(Profile::AnyJwt, issuer.into(), audience.into())
    }
}

impl<C: DeserializeOwned + Clone + Send + Sync + 'static> JwtVerifierBuilder<C> {
    fn new(profile: Profile, issuer: String, audience: String) -> Self {
        let expected =
            Expectations { profile, issuer, audience, skew: DEFAULT_SKEW, algorithms: None };
        JwtVerifierBuilder { expected, cache_bytes: DEFAULT_CACHE_BYTES, claims: PhantomData }
    }

    /// How far the issuer's clock and this one may be apart: a minute by default. A token is accepted that
    /// long after its `exp` and that long before its `nbf`.
    pub fn clock_skew(mut self, skew: Duration) -> Self {
        self.expected.skew = skew;
        self
    }

    /// Accepts tokens signed by these algorithms alone. By default it is those that the keys are bound to.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.expected.algorithms = Some(algorithms.into_iter().collect());
        self
    }

    /// How many bytes of memory the cache of verified tokens may take, about: 16 MiB by default, room for
    /// some 3,500 tokens of the usual size. 0 turns it off.
    ///
    /// Claims count for what `serde_json::Value` would take for them. A type of yours that makes more of them
    /// than that takes more.
    pub fn cache_bytes(mut self, bytes: usize) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// The verifier, with the keys that it trusts: a [`Key`](super::Key), a [`KeySet`](super::KeySet), or keys
    /// that an identity provider publishes.
    pub fn build(self, keys: impl Into<KeySource>) -> JwtVerifier<C> {
        let cache = (self.cache_bytes > 0).then(|| VerifiedTokens::new(self.cache_bytes));
        JwtVerifier(Arc::new(Verifier { expected: self.expected, keys: keys.into(), cache }))
    }
}

impl<C: DeserializeOwned + Clone + Send + Sync + 'static> Verifier<C> {
    /// The claims of a token that was verified before and is still good.
    fn remembered(&self, token: &[u8]) -> Option<C> {
        let cache = self.cache.as_ref()?;
        cache.get(token, &*self.keys.current()?, Now::read())
    }

    async fn verify(&self, token: &str) -> Result<C, AuthError> {
        let unverified = Unverified::read(token, &self.expected, Now::read())?;
        let Some(keys) = self.keys.current().map(|keys| keys.to_arc()) else {
            return self.verify_with_newer_keys(token, unverified, None).await;
        };
        match unverified.signed_by(&keys) {
            Ok(signed) => self.admit(token, signed),
            Err(unverified) if unverified.asks_beyond(&keys) => {
                self.verify_with_newer_keys(token, unverified, Some(keys)).await
            }
            Err(_) => Err(invalid("no trusted key has signed it")),
        }
    }

    async fn verify_with_newer_keys(
        &self,
        token: &str,
        unverified: Unverified<'_>,
        seen: Option<Arc<super::KeySet>>,
    ) -> Result<C, AuthError> {
        let Some(keys) = self.keys.refetch(seen).await? else {
            return Err(invalid("no key has the id that it names"));
        };
        match unverified.signed_by(&keys) {
            Ok(signed) => self.admit(token, signed),
            Err(_) => Err(invalid("no trusted key has signed it")),
        }
    }

    fn admit(&self, token: &str, signed: Signed) -> Result<C, AuthError> {
        let Signed { payload, lifetime, thumbprint } = signed;
        let claims: C = serde_json::from_str(&payload).map_err(|error| {
            AuthError::invalid().because(format!("the claims don't fit their type: {error}"))
        })?;
        if let Some(cache) = &self.cache {
            let (token, payload) = (token.as_bytes(), payload.as_bytes());
            cache.insert(token, claims.clone(), payload, lifetime, thumbprint, Now::read());
        }
        Ok(claims)
    }
}

impl<C: DeserializeOwned + Clone + Send + Sync + 'static> Authenticate<Bearer> for JwtVerifier<C> {
    type Identity = C;

    async fn authenticate(&self, token: BearerToken) -> Result<C, AuthError> {
        match self.0.remembered(token.as_bytes()) {
            Some(claims) => Ok(claims),
            // In an allocation of its own: most calls needn't make room for it.
            None => Box::pin(self.0.verify(token.as_str())).await,
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
