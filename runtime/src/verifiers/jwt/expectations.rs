use std::time::Duration;

use super::{Algorithm, header::Header, stated::Stated, unverified::invalid};
use crate::{
    error::AuthError,
    verifiers::shared::lifetime::{Lifetime, NotNow, Now},
};

/// What a service expects of a token besides its signature.
#[derive(Clone, Debug)]
pub(super) struct Expectations {
    pub(super) profile: Profile,
    pub(super) issuer: String,
    pub(super) audience: String,
    pub(super) skew: Duration,
    /// `None`: whatever the keys are bound to.
    pub(super) algorithms: Option<Vec<Algorithm>>,
}

/// Which kind of token a service takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Profile {
    /// Access tokens that say so (RFC 9068).
    AccessToken,
    /// Any JWT that doesn't say that it is something else.
    AnyJwt,
}

const ACCESS_TOKEN: &str = "at+jwt";
const JWT: &str = "JWT";

impl Expectations {
    pub(super) fn check_header(&self, header: &Header<'_>) -> Result<Algorithm, AuthError> {
        let Some(name) = &header.alg else {
            return Err(invalid("header: no `alg`"));
        };
        let algorithm = Algorithm::named(&name.0)
            .filter(|named| self.algorithms.as_ref().is_none_or(|listed| listed.contains(named)))
            .ok_or_else(|| invalid("header: an `alg` that isn't accepted"))?;
        if header.extended {
            return Err(invalid("header: an extension that isn't understood"));
        }
        let typ = header.typ.as_ref().map(|typ| &*typ.0);
        if self.profile.takes(typ) {
            Ok(algorithm)
        } else {
            Err(invalid("header: a `typ` of another kind of token"))
        }
    }

    /// The times come last: "expired" invites a caller to come back with a newer one, and a token for
    /// somebody else is never the right one.
    pub(super) fn check_claims(
        &self,
        stated: &Stated<'_>,
        now: Now,
    ) -> Result<Lifetime, AuthError> {
        // Of an empty setting nothing is the right one.
        let issuer = stated.iss.as_ref().filter(|_| !self.issuer.is_empty());
        if issuer.is_none_or(|issuer| issuer.0 != self.issuer) {
            return Err(invalid("not of this issuer"));
        }
        let audience = stated.aud.as_ref().filter(|_| !self.audience.is_empty());
        if audience.is_none_or(|audience| !audience.contains(&self.audience)) {
            return Err(invalid("not for this audience"));
        }
        if stated.bound {
            return Err(invalid("`cnf`: bound to a key, and nothing here proves that one"));
        }
        if self.profile == Profile::AnyJwt && stated.other_kind {
            return Err(invalid("a claim of another kind of token: an ID or logout token?"));
        }
        let exp = stated.exp.ok_or_else(|| invalid("no `exp`"))?;
        let lifetime = Lifetime::new(stated.nbf, Some(exp)).sooner(self.skew).longer(self.skew);
        match lifetime.check(now) {
            Ok(()) => Ok(lifetime),
            Err(NotNow::Early) => Err(invalid("`nbf`: not good yet")),
            Err(NotNow::Expired) => Err(AuthError::expired()),
        }
    }
}

impl Profile {
    /// Whether a token with this `typ` may be of this kind. The name is a media type, whose
    /// `application/` may be left out (RFC 7515, section 4.1.9; RFC 9068, section 4).
    fn takes(self, typ: Option<&str>) -> bool {
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
