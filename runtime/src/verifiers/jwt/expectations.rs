//! The checks of a token besides its signature.

use std::time::Duration;

use super::{
    algorithm::Algorithm,
    audience::Audience,
    claim_rules::{ClaimRules, check_authorized_party},
    header::JoseHeader,
    issuers::{Issuers, UnvouchedTenant},
    named_claims::NamedClaims,
    reject::{RejectedToken, invalid},
    unverified_claims::UnverifiedClaims,
};
use crate::{
    error::AuthError,
    verifiers::shared::lifetime::{Lifetime, LifetimeError, Now},
};

/// The properties that a service expects of a token besides its signature.
#[derive(Clone, Debug)]
pub(super) struct TokenExpectations {
    pub(super) profile: Profile,
    pub(super) issuers: Issuers,
    pub(super) audience: Audience,
    pub(super) rules: ClaimRules,
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
    /// ID tokens of OpenID Connect.
    IdToken,
}

/// The claims of a token that have passed all checks.
pub(super) struct CheckedClaims {
    /// The period in which the token is valid, clock skew included.
    pub(super) lifetime: Lifetime,
    pub(super) issuer: String,
    /// The tenant that a resolver must still vouch for.
    pub(super) unvouched: Option<UnvouchedTenant>,
}

const ACCESS_TOKEN: &str = "at+jwt";
const JWT: &str = "JWT";

impl TokenExpectations {
    /// Checks the header and returns the token's algorithm.
    pub(super) fn check_header(&self, header: &JoseHeader<'_>) -> Result<Algorithm, AuthError> {
        let Some(name) = &header.alg else {
            return Err(invalid("header: `alg` is missing"));
        };
        let accepts = |named: &Algorithm| {
            self.algorithms.as_ref().is_none_or(|listed| listed.contains(named))
        };
        let Some(algorithm) = Algorithm::from_name(&name.0).filter(accepts) else {
            let listed = self.algorithms.iter().flatten().map(Algorithm::to_string);
            return Err(RejectedToken::new("header: the `alg` isn't accepted")
                .list("expected_alg", listed)
                .field("unverified_alg", &name.0)
                .invalid());
        };
        if header.has_extension {
            return Err(invalid("header: extensions (`crit`, `b64`) aren't supported"));
        }
        let typ = header.typ.as_ref().map(|typ| &*typ.0);
        if self.profile.accepts_typ(typ) {
            return Ok(algorithm);
        }
        Err(RejectedToken::new("header: the `typ` is that of another kind of token")
            .field("expected_typ", self.profile.expected_typ())
            .field("unverified_typ", typ.unwrap_or_default())
            .invalid())
    }

    /// Checks the claims.
    ///
    /// The dates are last, because a caller answers "expired" with a newer token, which would be rejected as
    /// well if it has another issuer or audience.
    pub(super) fn check_claims(
        &self,
        claims: &UnverifiedClaims<'_>,
        payload: &str,
        now: Now,
    ) -> Result<CheckedClaims, AuthError> {
        let named = NamedClaims::read(payload, &self.names())?;
        let issuer = claims.iss.as_ref().map(|issuer| &*issuer.0);
        let unvouched = self.issuers.check(issuer, &named)?;
        let audiences = claims.aud.as_ref().map(|aud| aud.as_slice()).unwrap_or_default();
        let audiences = audiences.iter().map(|audience| &*audience.0);
        self.audience.check(audiences.clone(), &named)?;
        if claims.bound_to_key {
            return Err(invalid(
                "`cnf`: the token is bound to a key, which a bearer doesn't prove",
            ));
        }
        match self.profile {
            Profile::AnyJwt if claims.not_access_token => {
                return Err(invalid(
                    "a claim marks another kind of token, such as an ID or logout token",
                ));
            }
            Profile::IdToken => self.check_id_token(claims, audiences, &named)?,
            Profile::AnyJwt | Profile::AccessToken => {}
        }
        self.rules.check(&named)?;
        let lifetime = self.check_dates(claims, now)?;
        Ok(CheckedClaims { lifetime, issuer: issuer.unwrap_or_default().to_owned(), unvouched })
    }

    /// The claims that the settings name.
    fn names(&self) -> Vec<&str> {
        let named = self.issuers.names().chain(self.audience.names()).chain(self.rules.names());
        let mut names: Vec<&str> = named.collect();
        if self.profile == Profile::IdToken {
            names.extend(["sub", "azp"]);
        }
        names
    }

    /// Makes the checks of OpenID Connect Core, section 3.1.3.7, that other tokens aren't subject to.
    fn check_id_token<'a>(
        &self,
        claims: &UnverifiedClaims<'_>,
        mut audiences: impl Iterator<Item = &'a str>,
        named: &NamedClaims,
    ) -> Result<(), AuthError> {
        if claims.not_id_token {
            return Err(invalid("a claim marks another kind of token, such as an access token"));
        }
        if !claims.dated {
            return Err(invalid("`iat` is missing, which an ID token has"));
        }
        if named.text("sub").is_none_or(str::is_empty) {
            return Err(invalid("`sub` is missing, which an ID token has"));
        }
        let clients = self.audience.accepted();
        let parties = self.rules.authorized_parties.as_deref().unwrap_or(clients);
        let is_trusted = |audience: &str| clients.iter().chain(parties).any(|id| id == audience);
        if let Some(other) = audiences.find(|audience| !is_trusted(audience)) {
            return Err(RejectedToken::new("`aud` includes a client that isn't trusted")
                .field("unverified_aud", other)
                .invalid());
        }
        check_authorized_party(named, parties)
    }

    /// Checks the dates and returns the period in which the token is valid, clock skew included.
    fn check_dates(&self, claims: &UnverifiedClaims<'_>, now: Now) -> Result<Lifetime, AuthError> {
        let exp = claims.exp.ok_or_else(|| invalid("`exp` is missing"))?;
        let lifetime = Lifetime::new(claims.nbf, Some(exp))
            .allow_early(self.clock_skew)
            .allow_late(self.clock_skew);
        let skew = self.clock_skew.as_secs_f64();
        match lifetime.check(now) {
            Ok(()) => Ok(lifetime),
            Err(LifetimeError::NotYetValid) => {
                let early = claims.nbf.unwrap_or_default() - now.wall();
                Err(RejectedToken::new("`nbf` is in the future")
                    .seconds("unverified_seconds_until_nbf", early)
                    .seconds("clock_skew_seconds", skew)
                    .invalid())
            }
            Err(LifetimeError::Expired) => Err(RejectedToken::new("`exp` is in the past")
                .seconds("unverified_seconds_since_exp", now.wall() - exp)
                .seconds("clock_skew_seconds", skew)
                .expired()),
        }
    }

    /// Emits an event for each check that the settings waive.
    pub(super) fn report_waived_checks(&self) {
        let issuers = &self.issuers;
        if self.audience.is_waived() {
            tracing::info!(target: "tonic_guard", ?issuers, audience = ?self.audience, "the audience of tokens isn't checked");
        }
        if let Some(claim) = self.audience.client_claim() {
            tracing::info!(target: "tonic_guard", ?issuers, claim, "tokens without an audience are accepted by their client");
        }
        if self.issuers.accept_any_tenant() {
            tracing::info!(target: "tonic_guard", ?issuers, "tokens of every tenant are accepted");
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
        let is = |expected: &str| short.is_some_and(|typ| typ.eq_ignore_ascii_case(expected));
        match self {
            Profile::AccessToken => is(ACCESS_TOKEN),
            Profile::AnyJwt => short.is_none() || is(JWT) || is(ACCESS_TOKEN),
            Profile::IdToken => short.is_none() || is(JWT),
        }
    }

    fn expected_typ(self) -> &'static str {
        match self {
            Profile::AccessToken => "at+jwt",
            Profile::AnyJwt => "JWT, at+jwt or none",
            Profile::IdToken => "JWT or none",
        }
    }
}
