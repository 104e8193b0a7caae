use std::sync::Arc;

use super::{response::ActiveToken, token_rejected::TokenRejected};
use crate::{error::AuthError, net::http_client::HttpError};

/// The outcome of one introspection, shared by all calls that wait for it.
#[derive(Clone)]
pub(super) enum Outcome {
    Active(Arc<ActiveToken>),
    Rejected(TokenRejected),
    /// No usable response: nothing is known about the token.
    Unavailable(HttpError),
}

impl Outcome {
    pub(super) fn into_result(self) -> Result<Arc<ActiveToken>, AuthError> {
        match self {
            Outcome::Active(token) => Ok(token),
            Outcome::Rejected(reason) => Err(reason.into()),
            Outcome::Unavailable(error) => Err(AuthError::unavailable().because(error)),
        }
    }
}
