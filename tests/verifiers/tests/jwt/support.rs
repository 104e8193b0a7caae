//! An issuer, a service that trusts it, and hand-made tokens.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tonic_guard::{
    AuthError, Authenticate, CallHead, Scheme,
    jwt::{Claims, JwtVerifier, JwtVerifierBuilder, KeySet},
    scheme::{Bearer, BearerToken},
};
use tonic_guard_test::{Issuer, Token};
use tonic_guard_verifier_tests::Serving;

pub const ISSUER: &str = "https://id.example";
pub const AUDIENCE: &str = "https://accounts.example";

pub const INVALID: &str = "Unauthenticated JWT_TOKEN_INVALID";
pub const MALFORMED: &str = "Unauthenticated CREDENTIALS_MALFORMED";
pub const EXPIRED: &str = "Unauthenticated ACCESS_TOKEN_EXPIRED";

/// A service that accepts the access tokens of an issuer.
pub struct Fixture {
    pub issuer: Issuer,
    pub serving: Serving,
}

impl Fixture {
    /// Accepts access tokens signed with ES256.
    pub async fn new() -> Fixture {
        Fixture::of(Issuer::new(ISSUER), |verifier| verifier).await
    }

    pub async fn of(
        issuer: Issuer,
        set: impl FnOnce(JwtVerifierBuilder<Claims>) -> JwtVerifierBuilder<Claims>,
    ) -> Fixture {
        let keys = KeySet::from_jwks(issuer.jwks()).unwrap();
        let verifier = set(JwtVerifier::access_tokens(ISSUER, AUDIENCE)).build(keys);
        Fixture { serving: Serving::bearers(verifier).await, issuer }
    }

    /// A token that is admitted unless something in it is changed.
    pub fn token(&self) -> Token<'_> {
        self.issuer.access_token(AUDIENCE)
    }

    /// Signs this header and payload with the issuer's key.
    pub fn sign(&self, header: &str, payload: &str) -> String {
        self.issuer.signing_key().sign(header, payload)
    }

    /// The header of a good token.
    pub fn header(&self) -> Value {
        let key = self.issuer.signing_key();
        json!({"alg": key.algorithm().to_string(), "kid": key.id(), "typ": "at+jwt"})
    }

    #[track_caller]
    pub fn admits(&self, token: &str) -> impl Future<Output = ()> {
        let location = std::panic::Location::caller();
        async move {
            let outcome = self.serving.bearer(token).await;
            assert_eq!(outcome.as_deref(), Ok("ada"), "at {location}");
        }
    }

    /// Asserts that each of these tokens is rejected with `rejection`, and that a good one is
    /// admitted.
    pub async fn rejects(
        &self,
        rejection: &str,
        tokens: impl IntoIterator<Item = (impl std::fmt::Debug, String)>,
    ) {
        self.admits(&self.token().sign()).await;
        for (name, token) in tokens {
            let outcome = self.serving.bearer(&token).await;
            assert_eq!(outcome, Err(rejection.to_owned()), "{name:?}");
        }
    }
}

pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Verifies a token without a server.
pub async fn verify<A: Authenticate<Bearer>>(
    verifier: &A,
    token: &str,
) -> Result<A::Identity, AuthError> {
    let authenticated = verifier.authenticate(bearer_token(token)).await?;
    Ok(authenticated.into_identity())
}

/// The credentials of a call with this token.
pub fn bearer_token(token: &str) -> BearerToken {
    let mut headers = http::HeaderMap::new();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    let extensions = http::Extensions::new();
    let found = Bearer::new().extract(&CallHead::new(&headers, &extensions)).unwrap();
    found.credentials().unwrap()
}
