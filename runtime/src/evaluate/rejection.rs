//! Rejections: why a call ends before its handler runs.

use std::error::Error;

use tonic::{Code, Status};

use super::{description::PolicyDescription, status::status};
use crate::{error::AuthError, reason::Reason, scheme::RpcName};

/// Why a call is rejected.
#[derive(Debug)]
pub enum Rejection {
    /// A standard reason. `scheme` is the index of the scheme that decided, if one decided.
    Standard { reason: Reason, scheme: Option<usize>, cause: Option<Box<dyn Error + Send + Sync>> },
    /// A status that a custom check returned.
    Custom(Box<Status>),
}

impl Rejection {
    pub(crate) fn new(reason: Reason) -> Self {
        Rejection::Standard { reason, scheme: None, cause: None }
    }

    pub(crate) fn by_scheme(index: usize, reason: Reason) -> Self {
        Rejection::Standard { reason, scheme: Some(index), cause: None }
    }

    pub(crate) fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Rejection::Standard { reason: Reason::Internal, scheme: None, cause: Some(cause.into()) }
    }

    pub(crate) fn from_error(scheme: Option<usize>, error: AuthError) -> Self {
        let (reason, cause) = error.into_parts();
        Rejection::Standard { reason, scheme, cause }
    }

    pub(crate) fn code(&self) -> Code {
        match self {
            Rejection::Standard { reason, .. } => reason.code(),
            Rejection::Custom(status) => status.code(),
        }
    }

    pub(crate) fn into_status(
        self,
        description: &PolicyDescription,
        domain: &str,
        rpc: Option<RpcName<'_>>,
    ) -> Status {
        match self {
            Rejection::Standard { reason, scheme, .. } => {
                status(reason, scheme, description, domain, rpc)
            }
            Rejection::Custom(status) => *status,
        }
    }
}
