//! The error of authenticators and custom checks.

use std::error::Error;

use crate::reason::Reason;

type Cause = Box<dyn Error + Send + Sync>;

/// Why an authenticator or a custom check rejects a call.
///
/// It decides the status code. The caller receives the code, a constant message and a machine-readable
/// reason. The cause that [`because`](AuthError::because) adds goes to the operator's log and never leaves
/// the server.
///
/// ```
/// use tonic_guard::AuthError;
///
/// struct User {
///     name: String,
/// }
///
/// /// A custom check: a user may read their own orders.
/// fn owns(user: &User, owner: &str) -> Result<(), AuthError> {
///     if user.name == owner {
///         Ok(())
///     } else {
///         Err(AuthError::denied().because(format!("the orders belong to {owner}")))
///     }
/// }
///
/// let ada = User { name: "ada".into() };
/// // Accepted.
/// assert!(owns(&ada, "ada").is_ok());
/// // Rejected: the caller receives the code and a constant message, but not the cause.
/// let status = tonic::Status::from(owns(&ada, "grace").unwrap_err());
/// assert_eq!(status.code(), tonic::Code::PermissionDenied);
/// assert_eq!(status.message(), "permission denied");
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

    /// UNAUTHENTICATED: the credentials can't be parsed.
    pub fn malformed() -> Self {
        AuthError::new(Reason::Malformed)
    }

    /// UNAUTHENTICATED: the credentials are wrong. The caller doesn't learn which part of them.
    pub fn invalid() -> Self {
        AuthError::new(Reason::Invalid)
    }

    /// UNAUTHENTICATED: the credentials have expired. A client may obtain new ones and retry.
    pub fn expired() -> Self {
        AuthError::new(Reason::Expired)
    }

    /// PERMISSION_DENIED: the caller is known and may not make this call.
    pub fn denied() -> Self {
        AuthError::new(Reason::Denied)
    }

    /// UNAVAILABLE: the credentials can't be checked now.
    pub fn unavailable() -> Self {
        AuthError::new(Reason::Unavailable)
    }

    /// Adds a cause, which the event of the decision logs. The caller never receives it.
    ///
    /// The cause must not contain credentials, because it is logged.
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
