use std::sync::Arc;

use super::{response::ActiveToken, token_rejected::TokenRejected};
use crate::{error::AuthError, net::http_client::HttpError};

/// The outcome of one introspection, shared by all calls that wait for it.
#[derive(Clone)]
pub(super) enum IntrospectionOutcome {
    Active(Arc<ActiveToken>),
    Rejected(TokenRejected),
    /// No usable response: nothing is known about the token.
    Unavailable(HttpError),
}

impl IntrospectionOutcome {
    pub(super) fn into_result(self) -> Result<Arc<ActiveToken>, AuthError> {
        match self {
            IntrospectionOutcome::Active(token) => Ok(token),
            IntrospectionOutcome::Rejected(reason) => Err(reason.into()),
            IntrospectionOutcome::Unavailable(error) => {
                Err(AuthError::unavailable().because(error))
            }
        }
    }
}
