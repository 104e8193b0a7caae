//! The two ways to reject a token, each with a cause for the operator's log.

use crate::error::AuthError;

pub(super) fn malformed(cause: &'static str) -> AuthError {
    AuthError::malformed().because(cause)
}

pub(super) fn invalid(cause: &'static str) -> AuthError {
    AuthError::invalid().because(cause)
}
