//! The response of an introspection endpoint (RFC 7662, section 2.2).

use std::collections::HashMap;

use bytes::Bytes;
use http::StatusCode;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::Value;
use url::Url;

use crate::{
    error::AuthError,
    net::http_client::{HttpError, is_json_object},
    verifiers::shared::lifetime::Lifetime,
    verifiers::shared::token_kind::{
        claim_marks_other_kind, token_use_marks_other_kind, typ_marks_other_kind,
    },
};

/// A well-formed introspection response.
pub(super) struct Response {
    pub(super) active: bool,
    pub(super) members: Members,
    pub(super) text: Box<[u8]>,
}

/// The members that decide. Each may have any type, so that a wrong type isn't taken for absence.
#[derive(Deserialize)]
pub(super) struct Members {
    #[serde(default, deserialize_with = "present")]
    active: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    pub(super) iss: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    pub(super) aud: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    pub(super) exp: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    pub(super) nbf: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    pub(super) token_type: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    token_use: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    typ: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    pub(super) cnf: Option<Value>,
    /// The names of all other members.
    #[serde(flatten)]
    others: HashMap<Box<str>, IgnoredAny>,
}

impl Members {
    /// Whether they indicate another kind of token than an access token.
    pub(super) fn claim_marks_other_kind(&self) -> bool {
        // A value that isn't a string names no known kind.
        let names = |member: &Option<Value>, another: fn(&str) -> bool| {
            member.as_ref().is_some_and(|kind| kind.as_str().is_none_or(another))
        };
        names(&self.token_use, token_use_marks_other_kind)
            || names(&self.typ, typ_marks_other_kind)
            || self.others.keys().any(|name| claim_marks_other_kind(name))
    }
}

/// Deserializes a member that is present. `null` counts as present.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Reads the HTTP response of `endpoint`.
pub(super) fn read(
    endpoint: &Url,
    response: &http::Response<Bytes>,
) -> Result<Response, HttpError> {
    match response.status() {
        StatusCode::OK => {}
        // Section 2.3: these statuses are about this service's credentials, not about the token.
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            let why = format!("{status} to this service's own credentials");
            return Err(HttpError::unusable(endpoint, why));
        }
        status => return Err(HttpError::status(endpoint, status)),
    }
    let body = response.body();
    if !is_json_object(body) {
        return Err(HttpError::unusable(endpoint, "it isn't a JSON object"));
    }
    let members: Members = serde_json::from_slice(body).map_err(|error| {
        // Without the message of serde, which may quote the response.
        let position = format!("line {}, column {}", error.line(), error.column());
        HttpError::unusable(endpoint, format!("its JSON can't be parsed at {position}"))
    })?;
    let Some(Value::Bool(active)) = members.active else {
        return Err(HttpError::unusable(endpoint, "its `active` isn't a boolean"));
    };
    Ok(Response { active, members, text: (&**body).into() })
}

/// The claims of a valid token, and when they hold.
pub(super) struct ActiveToken {
    text: Box<[u8]>,
    lifetime: Lifetime,
}

impl ActiveToken {
    /// `text` is the body of the response.
    pub(super) fn new(text: Box<[u8]>, lifetime: Lifetime) -> Self {
        ActiveToken { text, lifetime }
    }

    /// The claims, deserialized as the type of the service.
    pub(super) fn claims<C: DeserializeOwned>(&self) -> Result<C, AuthError> {
        serde_json::from_slice(&self.text).map_err(|error| AuthError::invalid().because(error))
    }

    /// When the token may be taken from the cache: never after its `exp`, whatever the clock skew.
    pub(super) fn lifetime(&self) -> Lifetime {
        self.lifetime
    }

    /// The approximate size in memory, in bytes: the text and a constant overhead.
    pub(super) fn weight(&self) -> u64 {
        const OVERHEAD: usize = 160;
        (self.text.len() + OVERHEAD) as u64
    }
}
