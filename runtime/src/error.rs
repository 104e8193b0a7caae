//! Why a caller is refused.

use std::{borrow::Cow, error::Error};

use crate::evaluate::rejection::{Facts, Reason, status};

type Cause = Box<dyn Error + Send + Sync>;

/// Why a caller is refused, in the words that decide the status code.
///
/// An [`Authenticate`](crate::Authenticate) and a check named by `authorize = ..` answer with one.
/// The caller gets the code, a constant message and a machine-readable reason. What
/// [`because`](AuthError::because) adds is for the operator and never leaves the server.
///
/// ```
/// # use tonic_guard::AuthError;
/// let error = AuthError::invalid().because("no key with this id");
/// let status = tonic::Status::from(error);
/// assert_eq!(status.code(), tonic::Code::Unauthenticated);
/// assert!(!status.message().contains("key"));
/// ```
#[derive(Debug)]
pub struct AuthError {
    reason: Reason,
    cause: Option<Cause>,
}

impl AuthError {
    fn new(reason: Reason) -> Self {
        AuthError { reason, cause: None }
    }

    /// UNAUTHENTICATED: the call carries no credentials.
    pub fn missing() -> Self {
        AuthError::new(Reason::Missing)
    }

    /// UNAUTHENTICATED: the credentials can't be read.
    pub fn malformed() -> Self {
        AuthError::new(Reason::Malformed)
    }

    /// UNAUTHENTICATED: the credentials are wrong. Which part of them is wrong isn't told.
    pub fn invalid() -> Self {
        AuthError::new(Reason::Invalid)
    }

    /// UNAUTHENTICATED: the credentials were good once. A client may get new ones and try again.
    pub fn expired() -> Self {
        AuthError::new(Reason::Expired)
    }

    /// PERMISSION_DENIED: the caller is known and may not do this.
    pub fn denied() -> Self {
        AuthError::new(Reason::Denied)
    }

    /// UNAVAILABLE: nobody can tell now whether the credentials are good.
    pub fn unavailable() -> Self {
        AuthError::new(Reason::Unavailable)
    }

    /// Adds what the operator reads in the decision's event. The caller never sees it.
    ///
    /// Keep credentials out of it all the same: it is logged.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    pub(crate) fn into_parts(self) -> (Reason, Option<Cause>) {
        (self.reason, self.cause)
    }
}

impl std::fmt::Display for AuthError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.reason.message())
    }
}

impl Error for AuthError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

/// The status of a refusal outside a guard, without a challenge: no scheme is known here.
///
/// The cause isn't carried over: a [`tonic::Status`] prints its source.
impl From<AuthError> for tonic::Status {
    fn from(error: AuthError) -> Self {
        let facts = Facts { leaves: Vec::new(), scopes: Cow::Borrowed(&[]) };
        status(error.reason, None, &facts, crate::evaluate::rejection::DOMAIN, None)
    }
}
