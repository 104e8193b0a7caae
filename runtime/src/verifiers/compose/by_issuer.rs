//! Several identity providers behind one header.

use std::{fmt, time::Duration};

use super::branches::{self, Branch, branch};
use crate::{
    authenticate::Authenticate,
    error::AuthError,
    evaluate::deadline::authenticate_in_time,
    evaluate::identity::FromIdentity,
    jwt,
    scheme::{Bearer, BearerToken},
};

/// Takes the JWTs of several issuers, each checked by a verifier of its own.
///
/// The `iss` of a token, which nobody has signed for yet, chooses the verifier and does nothing else: the
/// verifier checks the token whole, with the issuer that it expects. A token of an issuer that isn't
/// listed, or of none, is refused.
///
/// ```
/// use tonic_guard::compose::ByIssuer;
/// use tonic_guard::jwt::{Claims, JwtVerifier};
/// # use tonic_guard::jwt::{Algorithm, Key, KeyTableError};
/// # fn main() -> Result<(), KeyTableError> {
/// # let key = Key::from_pem(Algorithm::EdDSA, "-----BEGIN PUBLIC KEY-----
/// # MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
/// # -----END PUBLIC KEY-----")?;
/// # let others_key = Key::from_pem(Algorithm::EdDSA, "-----BEGIN PUBLIC KEY-----
/// # MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
/// # -----END PUBLIC KEY-----")?;
///
/// enum Caller {
///     Employee(Claims),
///     Customer(Claims),
/// }
///
/// # use tonic_guard::compose::try_map;
/// let (staff, shop) = ("https://staff.example", "https://shop.example");
/// let employees = JwtVerifier::access_tokens(staff, "https://orders.example").build(key);
/// let customers = JwtVerifier::access_tokens(shop, "https://orders.example").build(others_key);
///
/// let tokens: ByIssuer<Caller> = ByIssuer::new()
///     .issuer(staff, try_map(employees, |claims: Claims| Ok(Caller::Employee(claims))))
///     .issuer(shop, try_map(customers, |claims: Claims| Ok(Caller::Customer(claims))));
/// # Ok(())
/// # }
/// ```
///
/// Each verifier has its own deadline. That callers need no credentials of one of them
/// ([`bypass`](crate::Authenticate::bypass)) is never asked. The `iss` is read anew for each call, also for tokens that
/// a verifier remembers.
pub struct ByIssuer<I> {
    issuers: Vec<(String, Branch<I>)>,
}

impl<I: Send + Sync + 'static> ByIssuer<I> {
    /// No issuer at all, so far.
    pub fn new() -> Self {
        ByIssuer { issuers: Vec::new() }
    }

    /// Tokens whose `iss` is `issuer`, character by character, are `verifier`'s. It expects that issuer
    /// itself: one that expects another refuses all of them.
    ///
    /// # Panics
    /// When the issuer is listed already, or empty.
    #[must_use]
    pub fn issuer<A>(mut self, issuer: impl Into<String>, verifier: A) -> Self
    where
        A: Authenticate<Bearer> + 'static,
        I: FromIdentity<A::Identity>,
    {
        let issuer = issuer.into();
        assert!(!issuer.is_empty(), "an issuer has a name");
        assert!(
            !self.issuers.iter().any(|(other, _)| *other == issuer),
            "the issuer `{issuer}` is listed twice"
        );
        self.issuers.push((issuer, branch(verifier)));
        self
    }

    fn branches(&self) -> impl Iterator<Item = &Branch<I>> {
        self.issuers.iter().map(|(_, branch)| branch)
    }
}

impl<I: Send + Sync + 'static> Default for ByIssuer<I> {
    fn default() -> Self {
        ByIssuer::new()
    }
}

impl<I> fmt::Debug for ByIssuer<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issuers: Vec<_> = self.issuers.iter().map(|(issuer, _)| issuer).collect();
        f.debug_struct("ByIssuer").field("issuers", &issuers).finish()
    }
}

impl<I: Send + Sync + 'static> Authenticate<Bearer> for ByIssuer<I> {
    type Identity = I;

    async fn authenticate(&self, token: BearerToken) -> Result<I, AuthError> {
        let named = jwt::unverified_issuer(token.as_str())?;
        match self.issuers.iter().find(|(issuer, _)| *issuer == named) {
            Some((_, verifier)) => authenticate_in_time(verifier, token).await,
            None => Err(AuthError::invalid().because("no verifier for the issuer that it names")),
        }
    }

    fn deadline(&self) -> Duration {
        branches::deadline(self.branches())
    }

    fn invalid_reason(&self) -> Option<&'static str> {
        branches::invalid_reason(self.branches())
    }
}
