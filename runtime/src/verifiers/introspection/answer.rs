//! What an introspection endpoint answers (RFC 7662, section 2.2), and whether it lets a caller in.

use std::{collections::HashMap, error::Error, fmt, time::Duration};

use http::StatusCode;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::Value;
use url::Url;

use crate::{
    error::AuthError,
    net::http_client::{Answer, HttpError, is_json_object},
    verifiers::shared::lifetime::{Lifetime, LifetimeError, Now},
    verifiers::shared::token_kind::{
        claim_marks_other_kind, token_use_marks_other_kind, typ_marks_other_kind,
    },
};

/// Which issuer's tokens are good.
#[derive(Clone, Debug)]
pub struct IssuerMatcher(Option<String>);

impl IssuerMatcher {
    /// The answer's `iss` is there and equals `issuer`, byte by byte.
    pub fn is(issuer: impl Into<String>) -> Self {
        IssuerMatcher(Some(issuer.into()))
    }

    /// The answer's `iss` isn't looked at, for a server that doesn't tell it. Tokens of everyone for
    /// whom the endpoint speaks are then good.
    pub fn unchecked() -> Self {
        IssuerMatcher(None)
    }
}

/// For whom a token must be meant.
#[derive(Clone, Debug)]
pub struct AudienceMatcher(Option<String>);

impl AudienceMatcher {
    /// The answer's `aud` is there and is `audience`, or is a list that has it.
    pub fn includes(audience: impl Into<String>) -> Self {
        AudienceMatcher(Some(audience.into()))
    }

    /// The answer's `aud` isn't looked at, for a server that doesn't tell it. A token that a caller
    /// gave to any other service is then good here, and so is a refresh token if the server
    /// introspects those too and its answer doesn't tell what kind of token it is about.
    pub fn unchecked() -> Self {
        AudienceMatcher(None)
    }
}

/// What an answer must say of a token for this service.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) issuer: IssuerMatcher,
    pub(super) audience: AudienceMatcher,
    pub(super) skew: Duration,
}

/// An answer that is an introspection response.
pub(super) struct Response {
    active: bool,
    members: Members,
    text: Box<[u8]>,
}

/// The members that decide. Whatever their type, so that a wrong one is told from none.
#[derive(Deserialize)]
struct Members {
    #[serde(default, deserialize_with = "given")]
    active: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    iss: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    aud: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    exp: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    nbf: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    token_type: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    token_use: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    typ: Option<Value>,
    #[serde(default, deserialize_with = "given")]
    cnf: Option<Value>,
    /// Of the others the names alone.
    #[serde(flatten)]
    others: HashMap<Box<str>, IgnoredAny>,
}

impl Members {
    /// Whether they say that the token is of another kind than one for access.
    fn other_kind(&self) -> bool {
        // What isn't a text names no kind that is known.
        let names = |member: &Option<Value>, another: fn(&str) -> bool| {
            member.as_ref().is_some_and(|kind| kind.as_str().is_none_or(another))
        };
        names(&self.token_use, token_use_marks_other_kind)
            || names(&self.typ, typ_marks_other_kind)
            || self.others.keys().any(|name| claim_marks_other_kind(name))
    }
}

/// A member that is `null` is there.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Reads the answer of `endpoint`.
pub(super) fn read(endpoint: &Url, answer: &Answer) -> Result<Response, HttpError> {
    match answer.status {
        StatusCode::OK => {}
        // Section 2.3: these are about the credentials of who asks, not about the token.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            let why = format!("{} to this service's own credentials", answer.status);
            return Err(HttpError::unusable(endpoint, why));
        }
        status => return Err(HttpError::status(endpoint, status)),
    }
    if !is_json_object(&answer.body) {
        return Err(HttpError::unusable(endpoint, "it isn't a JSON object"));
    }
    let members: Members = serde_json::from_slice(&answer.body).map_err(|error| {
        // Without serde's own words, which may quote the answer.
        let place = format!("line {}, column {}", error.line(), error.column());
        HttpError::unusable(endpoint, format!("its JSON can't be read at {place}"))
    })?;
    let Some(Value::Bool(active)) = members.active else {
        return Err(HttpError::unusable(endpoint, "its `active` isn't a boolean"));
    };
    Ok(Response { active, members, text: (&*answer.body).into() })
}

impl Expected {
    /// Whether a token of which the endpoint says this is good at `now`.
    pub(super) fn judge(&self, response: Response, now: Now) -> Result<Active, Refused> {
        let Response { active, members, text } = response;
        if !active {
            return Err(Refused::Inactive);
        }
        if members.cnf.is_some() {
            return Err(Refused::Bound);
        }
        if members.other_kind() {
            return Err(Refused::OtherKind);
        }
        match members.token_type {
            None => {}
            // What servers say of an access token that may be sent as Bearer.
            Some(Value::String(kind))
                if ["bearer", "access_token"]
                    .iter()
                    .any(|ours| kind.eq_ignore_ascii_case(ours)) => {}
            Some(_) => return Err(Refused::TokenType),
        }
        // Of an empty setting nothing is the right one.
        if let IssuerMatcher(Some(ours)) = &self.issuer {
            match members.iss {
                Some(Value::String(theirs)) if theirs == *ours && !ours.is_empty() => {}
                _ => return Err(Refused::Issuer),
            }
        }
        if let AudienceMatcher(Some(ours)) = &self.audience {
            let includes_ours = match members.aud {
                Some(Value::String(theirs)) => theirs == *ours,
                Some(Value::Array(theirs)) => {
                    theirs.iter().all(Value::is_string) && theirs.iter().any(|it| it == ours)
                }
                _ => false,
            };
            if !includes_ours || ours.is_empty() {
                return Err(Refused::Audience);
            }
        }
        let exp = seconds(members.exp)?;
        let lifetime = Lifetime::new(seconds(members.nbf)?, exp).allow_early(self.skew);
        match lifetime.allow_late(self.skew).check(now) {
            Ok(()) => Ok(Active { text, lifetime }),
            Err(LifetimeError::Expired) => Err(Refused::Expired),
            Err(LifetimeError::NotYetValid) => Err(Refused::NotYet),
        }
    }
}

/// A time in seconds, which some servers tell with a fraction.
fn seconds(member: Option<Value>) -> Result<Option<f64>, Refused> {
    match member {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or(Refused::Time),
    }
}

/// What the endpoint says of a good token.
pub(super) struct Active {
    text: Box<[u8]>,
    lifetime: Lifetime,
}

impl Active {
    /// The claims as the service's type.
    pub(super) fn claims<C: DeserializeOwned>(&self) -> Result<C, AuthError> {
        serde_json::from_slice(&self.text).map_err(|error| AuthError::invalid().because(error))
    }

    /// When it may be remembered: never past its `exp`, whatever the clocks' skew.
    pub(super) fn lifetime(&self) -> Lifetime {
        self.lifetime
    }

    /// What it takes in memory.
    pub(super) fn weight(&self) -> u64 {
        const BESIDE_THE_TEXT: usize = 160;
        (self.text.len() + BESIDE_THE_TEXT) as u64
    }
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Inactive,
    Bound,
    OtherKind,
    TokenType,
    Issuer,
    Audience,
    Time,
    Expired,
    NotYet,
}

impl From<Refused> for AuthError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Expired => AuthError::expired().because(refused),
            _ => AuthError::invalid().because(refused),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::Inactive => "the introspection endpoint says that the token isn't active",
            Refused::Bound => "the token is bound to a key (`cnf`), which nobody checked",
            Refused::OtherKind => "a claim of another kind of token: an ID or refresh token?",
            Refused::TokenType => {
                "the token's `token_type` isn't that of an access token for Bearer"
            }
            Refused::Issuer => "the token's `iss` isn't the issuer",
            Refused::Audience => "the token's `aud` doesn't include this service",
            Refused::Time => "the token's `exp` or `nbf` isn't a number",
            Refused::Expired => "the token's `exp` is past",
            Refused::NotYet => "the token's `nbf` is yet to come",
        })
    }
}

impl Error for Refused {}
