use std::time::Duration;

use serde_json::Value;

use super::{
    response::{ActiveToken, Response},
    token_rejected::TokenRejected,
};
use crate::verifiers::shared::lifetime::{Lifetime, LifetimeError, Now};

/// The issuer that a token must have.
#[derive(Clone, Debug)]
pub struct IssuerMatcher(Option<String>);

impl IssuerMatcher {
    /// Requires that `iss` is present and equals `issuer`, byte by byte.
    pub fn is(issuer: impl Into<String>) -> Self {
        IssuerMatcher(Some(issuer.into()))
    }

    /// Ignores `iss`, for a server that doesn't send it. The tokens of all issuers that the endpoint
    /// knows are then valid.
    pub fn unchecked() -> Self {
        IssuerMatcher(None)
    }
}

/// The audience that a token must have.
#[derive(Clone, Debug)]
pub struct AudienceMatcher(Option<String>);

impl AudienceMatcher {
    /// Requires that `aud` is present and equals `audience`, or is a list that contains it.
    pub fn includes(audience: impl Into<String>) -> Self {
        AudienceMatcher(Some(audience.into()))
    }

    /// Ignores `aud`, for a server that doesn't send it. Tokens for any other service are then valid here.
    /// So are refresh tokens, if the server introspects them and its response doesn't indicate
    /// their kind.
    pub fn unchecked() -> Self {
        AudienceMatcher(None)
    }
}

/// The conditions that a response must meet for its token to be accepted.
#[derive(Clone, Debug)]
pub(super) struct ResponseExpectations {
    pub(super) issuer: IssuerMatcher,
    pub(super) audience: AudienceMatcher,
    pub(super) clock_skew: Duration,
}

impl ResponseExpectations {
    /// Decides whether the token of `response` is valid at `now`.
    pub(super) fn check(&self, response: Response, now: Now) -> Result<ActiveToken, TokenRejected> {
        let Response { active, members, text } = response;
        if !active {
            return Err(TokenRejected::Inactive);
        }
        if members.cnf.is_some() {
            return Err(TokenRejected::BoundToKey);
        }
        if members.claim_marks_other_kind() {
            return Err(TokenRejected::OtherKind);
        }
        match members.token_type {
            None => {}
            // The values that servers send for a bearer access token.
            Some(Value::String(kind))
                if ["bearer", "access_token"]
                    .iter()
                    .any(|expected| kind.eq_ignore_ascii_case(expected)) => {}
            Some(_) => return Err(TokenRejected::TokenType),
        }
        // An empty expectation matches nothing.
        if let IssuerMatcher(Some(expected)) = &self.issuer {
            match members.iss {
                Some(Value::String(iss)) if iss == *expected && !expected.is_empty() => {}
                _ => return Err(TokenRejected::Issuer),
            }
        }
        if let AudienceMatcher(Some(expected)) = &self.audience {
            let includes_expected = match members.aud {
                Some(Value::String(aud)) => aud == *expected,
                Some(Value::Array(aud)) => {
                    aud.iter().all(Value::is_string) && aud.iter().any(|it| it == expected)
                }
                _ => false,
            };
            if !includes_expected || expected.is_empty() {
                return Err(TokenRejected::Audience);
            }
        }
        let exp = seconds(members.exp)?;
        let lifetime = Lifetime::new(seconds(members.nbf)?, exp).allow_early(self.clock_skew);
        match lifetime.allow_late(self.clock_skew).check(now) {
            Ok(()) => Ok(ActiveToken::new(text, lifetime)),
            Err(LifetimeError::Expired) => Err(TokenRejected::Expired),
            Err(LifetimeError::NotYetValid) => Err(TokenRejected::NotYetValid),
        }
    }
}

/// A date in seconds since 1970, which some servers send with a fraction.
fn seconds(member: Option<Value>) -> Result<Option<f64>, TokenRejected> {
    match member {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or(TokenRejected::DateType),
    }
}
