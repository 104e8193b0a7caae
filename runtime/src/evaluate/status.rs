//! The gRPC status of a reason: code, constant message, `ErrorInfo` and challenges.

use std::collections::HashMap;

use http::{HeaderMap, header::WWW_AUTHENTICATE};
use tonic::{Status, metadata::MetadataMap};
use tonic_types::{ErrorDetails, StatusExt};

use super::description::PolicyDescription;
use crate::{
    error::AuthError,
    reason::{Challenged, DOMAIN, Reason},
    scheme::RpcName,
};

/// Builds the status for `reason`. `scheme` is the index of the scheme that decided, if one decided.
pub(super) fn status(
    reason: Reason,
    scheme: Option<usize>,
    description: &PolicyDescription,
    domain: &str,
    rpc: Option<RpcName<'_>>,
) -> Status {
    if reason == Reason::Internal {
        return reason.bare_status();
    }
    let mut info = HashMap::new();
    let scheme_name = description.scheme_name(scheme);
    if !scheme_name.is_empty() {
        info.insert("scheme".to_owned(), scheme_name);
    }
    if let Some(rpc) = rpc {
        info.insert("service".to_owned(), rpc.service.to_owned());
        info.insert("method".to_owned(), rpc.method.to_owned());
    }
    let details =
        ErrorDetails::with_error_info(description.reason_name(reason, scheme), domain, info);
    let metadata = MetadataMap::from_headers(challenges(reason, scheme, description));
    Status::with_error_details_and_metadata(reason.code(), reason.message(), details, metadata)
}

fn challenges(reason: Reason, scheme: Option<usize>, description: &PolicyDescription) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (index, accepted) in description.schemes.iter().enumerate() {
        let included = match reason.challenged() {
            Challenged::Accepted => true,
            Challenged::Deciding => scheme == Some(index),
            Challenged::None => false,
        };
        let Some(mut challenge) = accepted.challenge.clone().filter(|_| included) else {
            continue;
        };
        if let Some(error) = reason.oauth_error() {
            challenge = challenge.param("error", error);
        }
        if reason == Reason::InsufficientScope {
            challenge = challenge.param("scope", &description.scopes.join(" "));
        }
        match challenge.to_value() {
            Some(value) => {
                headers.append(WWW_AUTHENTICATE, value);
            }
            None => tracing::error!(
                target: "tonic_guard",
                scheme = accepted.name,
                "the challenge is omitted: it contains characters that a header can't hold"
            ),
        }
    }
    headers
}

/// Builds the status of an error outside a guard. It has no challenge, because no scheme is known here.
///
/// It doesn't contain the cause, because the `Debug` output of a [`tonic::Status`] prints its source.
impl From<AuthError> for Status {
    fn from(error: AuthError) -> Self {
        let (reason, _) = error.into_parts();
        status(reason, None, &PolicyDescription::empty(), DOMAIN, None)
    }
}
