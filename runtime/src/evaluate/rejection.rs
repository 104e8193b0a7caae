//! What a refused caller gets: the one place where a reason becomes a gRPC status.

#![allow(missing_docs, missing_debug_implementations, reason = "generated code alone calls this")]

use std::{borrow::Cow, collections::HashMap, error::Error};

use http::header::WWW_AUTHENTICATE;
use tonic::{Code, Status, metadata::MetadataMap};
use tonic_types::{ErrorDetails, StatusExt};

use crate::{challenge::Challenge, error::AuthError, scheme::CredentialLocation, scheme::RpcName};

pub(crate) use crate::reason::{Challenged, DOMAIN, Reason};

/// A call that doesn't get in.
#[derive(Debug)]
pub enum Refusal {
    /// For one of our reasons; `leaf` is the scheme that decided, where one did.
    Ours { reason: Reason, leaf: Option<usize>, cause: Option<Box<dyn Error + Send + Sync>> },
    /// For a status that the user's own check chose.
    Theirs(Box<Status>),
}

impl Refusal {
    pub(crate) fn new(reason: Reason) -> Self {
        Refusal::Ours { reason, leaf: None, cause: None }
    }

    pub(crate) fn by_leaf(leaf: usize, reason: Reason) -> Self {
        Refusal::Ours { reason, leaf: Some(leaf), cause: None }
    }

    pub(crate) fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Refusal::Ours { reason: Reason::Internal, leaf: None, cause: Some(cause.into()) }
    }

    pub(crate) fn from_error(leaf: Option<usize>, error: AuthError) -> Self {
        let (reason, cause) = error.into_parts();
        Refusal::Ours { reason, leaf, cause }
    }

    pub(crate) fn code(&self) -> Code {
        match self {
            Refusal::Ours { reason, .. } => reason.code(),
            Refusal::Theirs(status) => status.code(),
        }
    }

    pub(crate) fn into_status(
        self,
        facts: &Facts,
        domain: &str,
        rpc: Option<RpcName<'_>>,
    ) -> Status {
        match self {
            Refusal::Ours { reason, leaf, .. } => status(reason, leaf, facts, domain, rpc),
            Refusal::Theirs(status) => *status,
        }
    }
}

/// What a refusal says of the policy that it comes from.
#[derive(Clone, Debug)]
pub struct Facts {
    pub(crate) leaves: Vec<LeafFacts>,
    pub(crate) scopes: Cow<'static, [&'static str]>,
}

/// What a refusal says of one accepted scheme.
#[derive(Clone, Debug)]
pub struct LeafFacts {
    pub(crate) name: String,
    pub(crate) place: CredentialLocation,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) invalid_reason: &'static str,
    pub(crate) bypassed: bool,
}

impl Facts {
    /// Nothing is known of the policy.
    pub(crate) fn none() -> Self {
        Facts { leaves: Vec::new(), scopes: Cow::Borrowed(&[]) }
    }

    /// The scheme that decided or, where none did, all that are accepted.
    pub(crate) fn scheme(&self, leaf: Option<usize>) -> String {
        match leaf.and_then(|leaf| self.leaves.get(leaf)) {
            Some(leaf) => leaf.name.clone(),
            None => {
                self.leaves.iter().map(|leaf| leaf.name.as_str()).collect::<Vec<_>>().join(", ")
            }
        }
    }

    pub(crate) fn reason_name(&self, reason: Reason, leaf: Option<usize>) -> &'static str {
        let decider = leaf.and_then(|leaf| self.leaves.get(leaf));
        reason.name(decider.map_or("CREDENTIALS_INVALID", |leaf| leaf.invalid_reason))
    }
}

/// The status for `reason`: code, constant message, `ErrorInfo`, challenges.
pub(crate) fn status(
    reason: Reason,
    leaf: Option<usize>,
    facts: &Facts,
    domain: &str,
    rpc: Option<RpcName<'_>>,
) -> Status {
    if reason == Reason::Internal {
        return reason.bare_status();
    }
    let mut info = HashMap::new();
    let scheme = facts.scheme(leaf);
    if !scheme.is_empty() {
        info.insert("scheme".to_owned(), scheme);
    }
    if let Some(rpc) = rpc {
        info.insert("service".to_owned(), rpc.service.to_owned());
        info.insert("method".to_owned(), rpc.method.to_owned());
    }
    let details = ErrorDetails::with_error_info(facts.reason_name(reason, leaf), domain, info);
    let metadata = MetadataMap::from_headers(challenges(reason, leaf, facts));
    Status::with_error_details_and_metadata(reason.code(), reason.message(), details, metadata)
}

fn challenges(reason: Reason, leaf: Option<usize>, facts: &Facts) -> http::HeaderMap {
    let mut headers = http::HeaderMap::new();
    for (at, accepted) in facts.leaves.iter().enumerate() {
        let wanted = match reason.challenged() {
            Challenged::Accepted => true,
            Challenged::Deciding => leaf == Some(at),
            Challenged::None => false,
        };
        let Some(mut challenge) = accepted.challenge.clone().filter(|_| wanted) else {
            continue;
        };
        if let Some(error) = reason.oauth_error() {
            challenge = challenge.param("error", error);
        }
        if reason == Reason::InsufficientScope {
            challenge = challenge.param("scope", &facts.scopes.join(" "));
        }
        match challenge.to_value() {
            Some(value) => {
                headers.append(WWW_AUTHENTICATE, value);
            }
            None => tracing::error!(
                scheme = accepted.name,
                "a challenge isn't sent: it holds characters that a header can't"
            ),
        }
    }
    headers
}

/// The status of an error outside a guard. It has no challenge, because no scheme is known here.
///
/// It doesn't contain the cause, because the `Debug` output of a [`tonic::Status`] prints its source.
impl From<AuthError> for Status {
    fn from(error: AuthError) -> Self {
        let (reason, _) = error.into_parts();
        status(reason, None, &Facts::none(), DOMAIN, None)
    }
}
