//! Errors of calls that carry call credentials.

use std::{collections::HashMap, error::Error, fmt};

use http::HeaderName;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::token::{TokenSourceError, WithCauses};
use crate::reason::{DOMAIN, Reason};

/// Why a call that carries call credentials failed, in addition to its [`Status`].
///
/// A generated client returns a [`Status`] whose source is this error; [`of`](CallError::of) finds it. When
/// a server rejected the call, the status is the server's, with its details. Otherwise its message is a constant,
/// so that a handler may forward it to its own caller: the path or URL of a token source is only in the causes of
/// [`token_error`](CallError::token_error) and in this error's `Debug` output.
///
/// ```
/// use tonic::Status;
/// use tonic_guard::client::{CallError, CallErrorKind};
///
/// fn must_log_in(status: &Status) -> bool {
///     CallError::of(status).is_some_and(|error| {
///         matches!(error.kind(), CallErrorKind::NoNewerToken | CallErrorKind::RejectedAgain)
///     })
/// }
///
/// // A status that call credentials had no part in has no such source.
/// assert!(!must_log_in(&Status::unauthenticated("")));
/// ```
pub struct CallError {
    kind: CallErrorKind,
    token: Option<TokenSourceError>,
    /// Boxed because a status is large, and the result of every call reserves space for the error.
    status: Box<Status>,
}

/// The kind of a [`CallError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallErrorKind {
    /// The token source failed, so nothing was sent. [`CallError::token_error`] has the cause.
    NoToken,
    /// The token was rejected, and the source has no newer one or is in its cooldown.
    NoNewerToken,
    /// The token was rejected, and fetching a new one failed. [`CallError::token_error`] has the cause.
    RefreshFailed,
    /// The token was rejected, and so was the new token of the retry.
    RejectedAgain,
    /// The request already carries credentials, and its options don't choose between them and the
    /// channel's. Nothing was sent.
    ConflictingCredentials,
    /// The deadline passed while the call waited for a token. Nothing was sent.
    DeadlineExceeded,
}

const NO_TOKEN: &str = "no token for the call";

impl CallError {
    /// Finds the error among the sources of `status`.
    pub fn of(status: &Status) -> Option<&CallError> {
        let mut source = status.source();
        while let Some(error) = source {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            source = error.source();
        }
        None
    }

    /// Returns the kind of the error.
    pub fn kind(&self) -> CallErrorKind {
        self.kind
    }

    /// Returns the error of the token source, for the kinds `NoToken` and `RefreshFailed`.
    pub fn token_error(&self) -> Option<&TokenSourceError> {
        self.token.as_ref()
    }

    pub(super) fn no_token(error: TokenSourceError) -> Self {
        // A handler may forward this status to its own caller, so it names no path, URL or cause.
        let text = NO_TOKEN;
        let status = match error.is_unreachable() {
            true => Status::unavailable(text),
            // A handler may forward this status. The reason shows the handler's caller that a new token
            // doesn't help: a retry would only run the handler a second time.
            false => {
                let missing = Reason::Missing.name("");
                let details = ErrorDetails::with_error_info(missing, DOMAIN, HashMap::new());
                Status::with_error_details(Code::Unauthenticated, text, details)
            }
        };
        CallError { kind: CallErrorKind::NoToken, token: Some(error), status: Box::new(status) }
    }

    pub(super) fn no_newer_token(rejection: Status) -> Self {
        CallError::new(CallErrorKind::NoNewerToken, rejection)
    }

    pub(super) fn refresh_failed(rejection: Status, error: TokenSourceError) -> Self {
        CallError { token: Some(error), ..CallError::new(CallErrorKind::RefreshFailed, rejection) }
    }

    pub(super) fn rejected_again(rejection: Status) -> Self {
        CallError::new(CallErrorKind::RejectedAgain, rejection)
    }

    pub(super) fn conflicting_credentials(header: &HeaderName) -> Self {
        let text = format!(
            "the request already has the header `{header}`: use `CallOptions` to choose its credentials or \
             the channel's"
        );
        CallError::new(CallErrorKind::ConflictingCredentials, Status::invalid_argument(text))
    }

    pub(super) fn deadline_exceeded() -> Self {
        let status =
            Status::deadline_exceeded("the deadline passed while the call waited for a token");
        CallError::new(CallErrorKind::DeadlineExceeded, status)
    }

    fn new(kind: CallErrorKind, status: Status) -> Self {
        CallError { kind, token: None, status: Box::new(status) }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            CallErrorKind::NoToken => NO_TOKEN,
            CallErrorKind::NoNewerToken => {
                "the token was rejected, and the source has no newer one"
            }
            CallErrorKind::RefreshFailed => "the token was rejected, and fetching a new one failed",
            CallErrorKind::RejectedAgain => "the token was rejected, and so was a new one",
            CallErrorKind::ConflictingCredentials => "the request already carries credentials",
            CallErrorKind::DeadlineExceeded => {
                "the deadline passed while the call waited for a token"
            }
        })?;
        match &self.token {
            Some(error) => write!(f, ": {error}"),
            None => Ok(()),
        }
    }
}

/// Includes all causes. The `Debug` output of a status includes that of its source, so the status is left out here.
impl fmt::Debug for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallError({self}")?;
        if let Some(cause) = self.token.as_ref().and_then(Error::source) {
            write!(f, ": {}", WithCauses(cause))?;
        }
        f.write_str(")")
    }
}

/// The source is the status that the caller receives: tonic searches the chain of sources for it.
impl Error for CallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.status)
    }
}
