//! The checks of a token besides its signature.

use std::time::Duration;

use super::{
    algorithm::Algorithm, header::JoseHeader, reject::invalid, unverified_claims::UnverifiedClaims,
};
use crate::{
    error::AuthError,
    verifiers::shared::lifetime::{Lifetime, LifetimeError, Now},
};

/// The properties that a service expects of a token besides its signature.
#[derive(Clone, Debug)]
pub(super) struct TokenExpectations {
    pub(super) profile: Profile,
    pub(super) issuer: String,
    pub(super) audience: String,
    pub(super) clock_skew: Duration,
    /// `None` accepts every algorithm that the keys are bound to.
    pub(super) algorithms: Option<Vec<Algorithm>>,
}

/// The kind of token that a service accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Profile {
    /// Access tokens with the `typ` of RFC 9068.
    AccessToken,
    /// Any JWT that isn't marked as another kind of token.
    AnyJwt,
}

const ACCESS_TOKEN: &str = "at+jwt";
const JWT: &str = "JWT";

impl TokenExpectations {
    /// Checks the header and returns the token's algorithm.
    pub(super) fn check_header(&self, header: &JoseHeader<'_>) -> Result<Algorithm, AuthError> {
        let Some(name) = &header.alg else {
            return Err(invalid("header: `alg` is missing"));
        };
        let algorithm = Algorithm::from_name(&name.0)
            .filter(|named| self.algorithms.as_ref().is_none_or(|listed| listed.contains(named)))
            .ok_or_else(|| invalid("header: the `alg` isn't accepted"))?;
        if header.has_extension {
            return Err(invalid("header: extensions (`crit`, `b64`) aren't supported"));
        }
        let typ = header.typ.as_ref().map(|typ| &*typ.0);
        if self.profile.accepts_typ(typ) {
            Ok(algorithm)
        } else {
            Err(invalid("header: the `typ` is that of another kind of token"))
        }
    }

    /// Checks the claims and returns the period in which the token is valid, clock skew included.
    ///
    /// The dates are last, because a caller answers "expired" with a newer token, which would be rejected as
    /// well if it has another issuer or audience.
    pub(super) fn check_claims(
        &self,
        claims: &UnverifiedClaims<'_>,
        now: Now,
    ) -> Result<Lifetime, AuthError> {
        // An empty issuer or audience matches no token.
        let issuer = claims.iss.as_ref().filter(|_| !self.issuer.is_empty());
        if issuer.is_none_or(|issuer| issuer.0 != self.issuer) {
            return Err(invalid("`iss` isn't the expected issuer"));
        }
        let audiences = claims.aud.as_ref().filter(|_| !self.audience.is_empty());
        let mut audiences = audiences.map(|aud| aud.as_slice()).unwrap_or_default().iter();
        if !audiences.any(|audience| audience.0 == self.audience) {
            return Err(invalid("`aud` doesn't include the expected audience"));
        }
        if claims.bound_to_key {
            return Err(invalid(
                "`cnf`: the token is bound to a key, which a bearer doesn't prove",
            ));
        }
        if self.profile == Profile::AnyJwt && claims.other_kind {
            return Err(invalid(
                "a claim marks another kind of token, such as an ID or logout token",
            ));
        }
        let exp = claims.exp.ok_or_else(|| invalid("`exp` is missing"))?;
        let lifetime = Lifetime::new(claims.nbf, Some(exp))
            .allow_early(self.clock_skew)
            .allow_late(self.clock_skew);
        match lifetime.check(now) {
            Ok(()) => Ok(lifetime),
            Err(LifetimeError::NotYetValid) => Err(invalid("`nbf` is in the future")),
            Err(LifetimeError::Expired) => Err(AuthError::expired()),
        }
    }
}

impl Profile {
    /// Returns whether a token of this kind may have this `typ`.
    ///
    /// The `typ` is a media type, whose `application/` may be omitted (RFC 7515, section 4.1.9;
    /// RFC 9068, section 4).
    fn accepts_typ(self, typ: Option<&str>) -> bool {
        const PREFIX: &str = "application/";

        let short = typ.map(|typ| match typ.get(..PREFIX.len()) {
            Some(prefix) if prefix.eq_ignore_ascii_case(PREFIX) => {
                typ.get(PREFIX.len()..).unwrap_or_default()
            }
            _ => typ,
        });
        match (self, short) {
            (Profile::AccessToken, typ) => {
                typ.is_some_and(|typ| typ.eq_ignore_ascii_case(ACCESS_TOKEN))
            }
            (Profile::AnyJwt, None) => true,
            (Profile::AnyJwt, Some(typ)) => {
                typ.eq_ignore_ascii_case(JWT) || typ.eq_ignore_ascii_case(ACCESS_TOKEN)
            }
        }
    }
}
