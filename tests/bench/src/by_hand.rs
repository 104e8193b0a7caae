//! The check of `#[authenticated(scheme = "bearer")]`, written by hand.
//!
//! It behaves as the handler check does. The header is a singleton with the grammar of RFC 9110;
//! tonic-guard itself parses it, so that the comparison shows what the attribute adds. The
//! authenticator is called once, under a deadline whose timer is created only if the authenticator
//! waits. A panic of the authenticator rejects the call. The decision is an event. A rejection has
//! its constant message, `ErrorInfo` and challenge. The handoff of a guard, injected identities and
//! `bypass` are left out, because they have no meaning by hand.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

use http::{HeaderMap, HeaderValue, header::WWW_AUTHENTICATE};
use tonic::{Code, Request, Status, metadata::MetadataMap};
use tonic_guard::{
    AuthError, Authenticate, Authenticated, CallHead, DEFAULT_DEADLINE, Scheme,
    scheme::{Bearer, BearerToken, ExtractError, Extraction},
};
use tonic_types::{ErrorDetails, StatusExt};

use crate::service::{Tokens, User};

/// The reason of a rejection.
enum Rejection {
    Missing,
    Duplicate,
    Malformed,
    Unsupported,
    Internal,
    Verifier(AuthError),
}

/// The caller of `request`.
pub async fn check<M>(tokens: &Tokens, request: &Request<M>) -> Result<User, Status> {
    let head = CallHead::new(request.metadata().as_ref(), request.extensions());
    match caller(tokens, head).await {
        Ok(user) => {
            tracing::debug!(target: "by_hand", method = "say", scheme = "bearer", outcome = "admitted");
            Ok(user)
        }
        Err(rejection) => Err(rejected(rejection)),
    }
}

async fn caller(tokens: &Tokens, head: CallHead<'_>) -> Result<User, Rejection> {
    match Bearer::new().extract(&head) {
        Ok(Extraction::Credentials(token)) => verify(tokens, token).await,
        Ok(Extraction::Absent) => Err(Rejection::Missing),
        Ok(Extraction::OtherScheme) => Err(Rejection::Unsupported),
        Err(ExtractError::Duplicate) => Err(Rejection::Duplicate),
        Err(_) => Err(Rejection::Malformed),
    }
}

async fn verify(tokens: &Tokens, token: BearerToken) -> Result<User, Rejection> {
    let mut answer = pin!(tokens.authenticate(token));
    let mut poll = |cx: &mut std::task::Context<'_>| {
        catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(cx)))
            .map(|poll| poll.map_ok(Authenticated::into_identity).map_err(Rejection::Verifier))
            .unwrap_or(Poll::Ready(Err(Rejection::Internal)))
    };
    let max_concurrent = std::future::poll_fn(|cx| {
        Poll::Ready(match poll(cx) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        })
    });
    if let Some(answer) = max_concurrent.await {
        return answer;
    }
    let late = |_| Err(Rejection::Verifier(AuthError::unavailable()));
    tokio::time::timeout(DEFAULT_DEADLINE, std::future::poll_fn(poll)).await.unwrap_or_else(late)
}

fn rejected(rejection: Rejection) -> Status {
    let (code, reason, message, error) = match rejection {
        Rejection::Missing => {
            (Code::Unauthenticated, "CREDENTIALS_MISSING", "credentials are missing", "")
        }
        Rejection::Duplicate => (
            Code::Unauthenticated,
            "OVERLOADED_CREDENTIALS",
            "credentials are presented more than once",
            ", error=\"invalid_request\"",
        ),
        Rejection::Malformed => (
            Code::Unauthenticated,
            "CREDENTIALS_MALFORMED",
            "the credentials are malformed",
            ", error=\"invalid_request\"",
        ),
        Rejection::Unsupported => (
            Code::Unauthenticated,
            "CREDENTIAL_TYPE_UNSUPPORTED",
            "credentials of this type are not accepted here",
            "",
        ),
        Rejection::Internal => return Status::internal("the call could not be checked"),
        Rejection::Verifier(error) => match Status::from(error).code() {
            Code::Unavailable => {
                return Status::unavailable("the credentials can't be checked now");
            }
            code => (
                code,
                "CREDENTIALS_INVALID",
                "the credentials are invalid",
                " error=\"invalid_token\"",
            ),
        },
    };
    tracing::info!(target: "by_hand", method = "say", scheme = "bearer", outcome = "rejected", reason);
    let info = HashMap::from([("scheme".to_owned(), "bearer".to_owned())]);
    let details = ErrorDetails::with_error_info(reason, "tonic-guard", info);
    let mut headers = HeaderMap::new();
    if let Ok(challenge) = HeaderValue::from_str(&format!("Bearer{error}")) {
        headers.append(WWW_AUTHENTICATE, challenge);
    }
    let metadata = MetadataMap::from_headers(headers);
    Status::with_error_details_and_metadata(code, message, details, metadata)
}
