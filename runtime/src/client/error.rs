//! What became of a call that ended here.

use std::{collections::HashMap, error::Error, fmt};

use http::HeaderName;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::token::TokenSourceError;
use crate::reason::{DOMAIN, Reason};

/// Why a call that carries call credentials failed, beyond what its [`Status`] says.
///
/// A generated client returns a [`Status`]; this is its source, and [`of`](CallError::of) finds it. The
/// status of a refused call is the server's own, with its details.
///
/// ```
/// use tonic::Status;
/// use tonic_guard::client::{CallError, CallErrorKind};
///
/// fn sign_in_again(status: &Status) -> bool {
///     CallError::of(status).is_some_and(|error| {
///         matches!(error.kind(), CallErrorKind::NothingNewer | CallErrorKind::RefusedAgain)
///     })
/// }
///
/// // A refusal that never met call credentials has no such source.
/// assert!(!sign_in_again(&Status::unauthenticated("")));
/// ```
pub struct CallError {
    kind: CallErrorKind,
    token: Option<TokenSourceError>,
    /// Boxed: a status is large, and the result of every call has room for the error.
    status: Box<Status>,
}

/// What became of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallErrorKind {
    /// No token could be had, and nothing was sent. [`CallError::token_error`] says why.
    NoToken,
    /// The call was refused, and the source has nothing newer, or was asked a moment ago.
    NothingNewer,
    /// The call was refused, and no new token could be had. [`CallError::token_error`] says why.
    NotRenewed,
    /// The call was refused, sent again with a new token, and refused again.
    RefusedAgain,
    /// The request says itself who makes the call, and doesn't say which wins. Nothing was sent.
    ConflictingCredentials,
    /// The call's deadline passed while it waited for a token. Nothing was sent.
    DeadlineExceeded,
}

impl CallError {
    /// The one behind `status`, if there is one.
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

    /// What became of the call.
    pub fn kind(&self) -> CallErrorKind {
        self.kind
    }

    /// Why no token could be had, where that is what happened.
    pub fn token_error(&self) -> Option<&TokenSourceError> {
        self.token.as_ref()
    }

    pub(super) fn no_token(error: TokenSourceError) -> Self {
        let text = format!("no token for the call: {error}");
        let status = match error.is_unreachable() {
            true => Status::unavailable(text),
            // Passed on by a handler it must not look like a refusal of that handler's caller, who would
            // get a new token and have all of the handler's work done once more.
            false => {
                let missing = Reason::Missing.name("");
                let details = ErrorDetails::with_error_info(missing, DOMAIN, HashMap::new());
                Status::with_error_details(Code::Unauthenticated, text, details)
            }
        };
        CallError { kind: CallErrorKind::NoToken, token: Some(error), status: Box::new(status) }
    }

    pub(super) fn nothing_newer(refusal: Status) -> Self {
        CallError::new(CallErrorKind::NothingNewer, refusal)
    }

    pub(super) fn not_renewed(refusal: Status, error: TokenSourceError) -> Self {
        CallError { token: Some(error), ..CallError::new(CallErrorKind::NotRenewed, refusal) }
    }

    pub(super) fn refused_again(refusal: Status) -> Self {
        CallError::new(CallErrorKind::RefusedAgain, refusal)
    }

    pub(super) fn own_credentials(header: &HeaderName) -> Self {
        let text = format!(
            "the request carries its own `{header}`: say by `CallOptions` which credentials win"
        );
        CallError::new(CallErrorKind::ConflictingCredentials, Status::invalid_argument(text))
    }

    pub(super) fn deadline_exceeded() -> Self {
        let status = Status::deadline_exceeded("the deadline passed while waiting for a token");
        CallError::new(CallErrorKind::DeadlineExceeded, status)
    }

    fn new(kind: CallErrorKind, status: Status) -> Self {
        CallError { kind, token: None, status: Box::new(status) }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            CallErrorKind::NoToken => "no token for the call",
            CallErrorKind::NothingNewer => "refused, and there is no newer token",
            CallErrorKind::NotRenewed => "refused, and no new token could be had",
            CallErrorKind::RefusedAgain => "refused, and refused again with a new token",
            CallErrorKind::ConflictingCredentials => "the request carries credentials of its own",
            CallErrorKind::DeadlineExceeded => "the deadline passed while waiting for a token",
        })?;
        match &self.token {
            Some(error) => write!(f, ": {error}"),
            None => Ok(()),
        }
    }
}

/// A status prints the `Debug` form of its source: it is the text, without the status once more.
impl fmt::Debug for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallError({self})")
    }
}

/// The source is the status that the caller gets: tonic looks for one in the chain.
impl Error for CallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.status)
    }
}
