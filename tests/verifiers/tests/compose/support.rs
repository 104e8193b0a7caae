//! A verifier that admits every token and counts its calls.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tonic_guard::{
    AuthError, Authenticate, Authenticated, HasScopes,
    jwt::{Claims, JwtVerifier, KeySet},
    scheme::{Bearer, BearerToken},
};
use tonic_guard_test::Issuer;
use tonic_guard_verifier_tests::{Named, Serving};

pub(crate) const AUDIENCE: &str = "https://accounts.example";

pub(crate) const MISSING: &str = "Unauthenticated CREDENTIALS_MISSING";
pub(crate) const INVALID: &str = "Unauthenticated CREDENTIALS_INVALID";
pub(crate) const MALFORMED: &str = "Unauthenticated CREDENTIALS_MALFORMED";
pub(crate) const UNAVAILABLE: &str = "Unavailable AUTHENTICATOR_UNAVAILABLE";

/// The caller's name and the verifier that identified it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Caller(pub(crate) String);

impl Named for Caller {
    fn name(&self) -> String {
        self.0.clone()
    }
}

impl HasScopes for Caller {
    fn has_scope(&self, _: &str) -> bool {
        false
    }
}

impl From<Claims> for Caller {
    fn from(claims: Claims) -> Self {
        Caller(format!("{} of {}", claims.subject().unwrap(), claims.issuer().unwrap()))
    }
}

impl From<Session> for Caller {
    fn from(Session(name): Session) -> Self {
        Caller(format!("session {name}"))
    }
}

pub(crate) struct Session(pub(crate) &'static str);

/// Admits every token and counts them. Tokens that end in `hang` get no answer.
#[derive(Clone, Debug)]
pub(crate) struct AdmitsAll {
    pub(crate) name: &'static str,
    pub(crate) asked: Arc<AtomicUsize>,
    pub(crate) off: bool,
    pub(crate) deadline: Duration,
}

impl AdmitsAll {
    pub(crate) fn new(name: &'static str) -> Self {
        let deadline = Duration::from_millis(300);
        AdmitsAll { name, asked: Arc::default(), off: false, deadline }
    }

    /// Bypasses authentication.
    pub(crate) fn off(name: &'static str) -> Self {
        AdmitsAll { off: true, ..AdmitsAll::new(name) }
    }

    pub(crate) fn call_count(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Authenticate<Bearer> for AdmitsAll {
    type Identity = Session;

    async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<Session>, AuthError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if token.as_str().ends_with("hang") {
            std::future::pending::<()>().await;
        }
        Ok(Session(self.name).into())
    }

    fn bypass(&self) -> Option<Session> {
        self.off.then_some(Session("anyone"))
    }

    fn deadline(&self) -> Duration {
        self.deadline
    }
}

/// A verifier of this issuer's tokens.
pub(crate) fn trusting(issuer: &Issuer) -> JwtVerifier<Claims> {
    JwtVerifier::access_tokens(issuer.identifier(), AUDIENCE)
        .build(KeySet::from_jwks(issuer.jwks()).unwrap())
}

/// The name of the caller, or the rejection.
pub(crate) async fn outcome(serving: &Serving, token: &str) -> String {
    serving.bearer(token).await.unwrap_or_else(|rejection| rejection)
}

/// As [`outcome`], for a call without credentials.
pub(crate) async fn outcome_without_credentials(serving: &Serving) -> String {
    match serving.whoami(&[]).await {
        Ok(name) => name,
        Err(status) => tonic_guard_suite_support::code_and_reason(&status),
    }
}
