//! The check that `#[authenticated(scheme = "bearer")]` makes, written out as a service would have to.
//!
//! It behaves as the method's own door does. The header is a singleton with the grammar of RFC 9110: the
//! reading is tonic-guard's own, so that what is compared is what the attribute adds around it. The
//! verifier is asked once, under a deadline whose timer is made only when the verifier waits. A panic of
//! the verifier refuses the call. The decision is an event. A refusal has its constant message,
//! `ErrorInfo` and challenge. What it leaves out is what has no meaning by hand: the proof of a front
//! door, an identity given in process, "authentication off".

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

use http::{HeaderMap, HeaderValue, header::WWW_AUTHENTICATE};
use tonic::{Code, Request, Status, metadata::MetadataMap};
use tonic_guard::{
    AuthError, Authenticate, CallHead, DEFAULT_DEADLINE, Scheme,
    scheme::{Bearer, BearerToken, ExtractError, Extraction},
};
use tonic_types::{ErrorDetails, StatusExt};

use crate::service::{Tokens, User};

/// Why a call is refused.
enum Refusal {
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
        Err(refusal) => Err(refused(refusal)),
    }
}

async fn caller(tokens: &Tokens, head: CallHead<'_>) -> Result<User, Refusal> {
    match Bearer::new().extract(&head) {
        Ok(Extraction::Credentials(token)) => verify(tokens, token).await,
        Ok(Extraction::Absent) => Err(Refusal::Missing),
        Ok(Extraction::OtherScheme) => Err(Refusal::Unsupported),
        Err(ExtractError::Duplicate) => Err(Refusal::Duplicate),
        Err(_) => Err(Refusal::Malformed),
    }
}

async fn verify(tokens: &Tokens, token: BearerToken) -> Result<User, Refusal> {
    let mut answer = pin!(tokens.authenticate(token));
    let mut poll = |cx: &mut std::task::Context<'_>| {
        catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(cx)))
            .map(|poll| poll.map_err(Refusal::Verifier))
            .unwrap_or(Poll::Ready(Err(Refusal::Internal)))
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
    let late = |_| Err(Refusal::Verifier(AuthError::unavailable()));
    tokio::time::timeout(DEFAULT_DEADLINE, std::future::poll_fn(poll)).await.unwrap_or_else(late)
}

fn refused(refusal: Refusal) -> Status {
    let (code, reason, message, error) = match refusal {
        Refusal::Missing => {
            (Code::Unauthenticated, "CREDENTIALS_MISSING", "credentials are missing", "")
        }
        Refusal::Duplicate => (
            Code::Unauthenticated,
            "OVERLOADED_CREDENTIALS",
            "credentials are presented more than once",
            ", error=\"invalid_request\"",
        ),
        Refusal::Malformed => (
            Code::Unauthenticated,
            "CREDENTIALS_MALFORMED",
            "the credentials are malformed",
            ", error=\"invalid_request\"",
        ),
        Refusal::Unsupported => (
            Code::Unauthenticated,
            "CREDENTIAL_TYPE_UNSUPPORTED",
            "credentials of this type are not accepted here",
            "",
        ),
        Refusal::Internal => return Status::internal("the call could not be checked"),
        Refusal::Verifier(error) => match Status::from(error).code() {
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
    tracing::info!(target: "by_hand", method = "say", scheme = "bearer", outcome = "refused", reason);
    let info = HashMap::from([("scheme".to_owned(), "bearer".to_owned())]);
    let details = ErrorDetails::with_error_info(reason, "tonic-guard", info);
    let mut headers = HeaderMap::new();
    if let Ok(challenge) = HeaderValue::from_str(&format!("Bearer{error}")) {
        headers.append(WWW_AUTHENTICATE, challenge);
    }
    let metadata = MetadataMap::from_headers(headers);
    Status::with_error_details_and_metadata(code, message, details, metadata)
}
