//! Selects the verifier of a JWT by its issuer.

use std::{fmt, time::Duration};

use super::delegate::{Delegate, common_invalid_reason, delegate, max_deadline};
use crate::{
    authenticate::{Authenticate, Authenticated, Immediate},
    error::AuthError,
    evaluate::deadline::authenticate_in_time,
    evaluate::identity::FromIdentity,
    jwt,
    scheme::{Bearer, BearerToken},
};

/// Accepts the JWTs of several issuers, each with a separate verifier.
///
/// The unverified `iss` of a token only selects the verifier, which then verifies the whole token, including
/// the issuer that it expects. A token without an issuer, or of an issuer that isn't listed, is rejected.
///
/// ```
/// use tonic_guard::compose::ByIssuer;
/// use tonic_guard::jwt::{Claims, JwtVerifier};
/// # use tonic_guard::jwt::{Algorithm, Key, KeyRejected};
/// # fn main() -> Result<(), KeyRejected> {
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
/// Each verifier keeps its own deadline. The verifiers' [`bypass`](crate::Authenticate::bypass) is ignored.
/// The `iss` is parsed on each call, also if a verifier has cached the token.
pub struct ByIssuer<I> {
    issuers: Vec<(String, Delegate<I>)>,
}

impl<I: Send + Sync + 'static> ByIssuer<I> {
    /// A verifier without issuers, which rejects every token.
    pub fn new() -> Self {
        ByIssuer { issuers: Vec::new() }
    }

    /// Passes tokens whose `iss` is exactly `issuer` to `verifier`.
    ///
    /// The verifier must expect the same issuer. Otherwise it rejects all of these tokens.
    ///
    /// # Panics
    /// Panics if the issuer is empty or listed already.
    #[must_use]
    pub fn issuer<A>(mut self, issuer: impl Into<String>, verifier: A) -> Self
    where
        A: Authenticate<Bearer> + 'static,
        I: FromIdentity<A::Identity>,
    {
        let issuer = issuer.into();
        assert!(!issuer.is_empty(), "the issuer is empty");
        assert!(
            !self.issuers.iter().any(|(other, _)| *other == issuer),
            "the issuer `{issuer}` is listed twice"
        );
        self.issuers.push((issuer, delegate(verifier)));
        self
    }

    /// The verifier for the issuer that the token claims.
    fn select(&self, token: &BearerToken) -> Result<&Delegate<I>, AuthError> {
        let claimed = jwt::unverified_issuer(token.as_str())?;
        let selected = self.issuers.iter().find(|(issuer, _)| *issuer == claimed);
        selected.map(|(_, verifier)| verifier).ok_or_else(|| {
            AuthError::invalid().because("no verifier is listed for the token's `iss`")
        })
    }

    fn delegates(&self) -> impl Iterator<Item = &Delegate<I>> {
        self.issuers.iter().map(|(_, delegate)| delegate)
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

    async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<I>, AuthError> {
        authenticate_in_time(self.select(&token)?, token).await
    }

    fn authenticate_now(&self, token: BearerToken) -> Immediate<I, BearerToken> {
        match self.select(&token) {
            Ok(verifier) => verifier.authenticate_now(token),
            Err(error) => Immediate::Decided(Err(error)),
        }
    }

    fn deadline(&self) -> Duration {
        max_deadline(self.delegates())
    }

    fn invalid_reason(&self) -> Option<&'static str> {
        common_invalid_reason(self.delegates())
    }
}
