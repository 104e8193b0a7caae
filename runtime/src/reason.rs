//! The reasons for which a call is rejected.

#![allow(missing_docs, reason = "a row of the table in the crate's documentation each")]

use tonic::{Code, Status};

/// The `ErrorInfo` domain of rejections, unless a guard sets another.
pub(crate) const DOMAIN: &str = "tonic-guard";

/// Why a call is rejected. Each variant is a row of the table in the crate's documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    Missing,
    Duplicate,
    Malformed,
    Unsupported,
    Invalid,
    Expired,
    InsufficientScope,
    Denied,
    Unavailable,
    Internal,
}

/// The schemes of a policy whose challenges a rejection carries.
pub(crate) enum Challenged {
    /// Every scheme that the policy accepts.
    Accepted,
    /// The scheme that rejected the credentials.
    Deciding,
    /// None of them.
    None,
}

impl Reason {
    pub(crate) fn code(self) -> Code {
        match self {
            Reason::Missing
            | Reason::Duplicate
            | Reason::Malformed
            | Reason::Unsupported
            | Reason::Invalid
            | Reason::Expired => Code::Unauthenticated,
            Reason::InsufficientScope | Reason::Denied => Code::PermissionDenied,
            Reason::Unavailable => Code::Unavailable,
            Reason::Internal => Code::Internal,
        }
    }

    /// The status with the code and the message, without details.
    pub(crate) fn bare_status(self) -> Status {
        Status::new(self.code(), self.message())
    }

    pub(crate) fn message(self) -> &'static str {
        match self {
            Reason::Missing => "credentials are missing",
            Reason::Duplicate => "credentials are presented more than once",
            Reason::Malformed => "the credentials are malformed",
            Reason::Unsupported => "credentials of this type are not accepted here",
            Reason::Invalid => "the credentials are invalid",
            Reason::Expired => "the credentials have expired",
            Reason::InsufficientScope => "the credentials lack a required scope",
            Reason::Denied => "permission denied",
            Reason::Unavailable => "the credentials can't be checked now",
            Reason::Internal => "the call could not be checked",
        }
    }

    /// The name of the reason in events and, except for INTERNAL, in `ErrorInfo`.
    ///
    /// `invalid` is the name of [`Reason::Invalid`], which depends on the scheme and the authenticator.
    pub(crate) fn name(self, invalid: &'static str) -> &'static str {
        match self {
            Reason::Missing => "CREDENTIALS_MISSING",
            Reason::Duplicate => "OVERLOADED_CREDENTIALS",
            Reason::Malformed => "CREDENTIALS_MALFORMED",
            Reason::Unsupported => "CREDENTIAL_TYPE_UNSUPPORTED",
            Reason::Invalid => invalid,
            Reason::Expired => "ACCESS_TOKEN_EXPIRED",
            Reason::InsufficientScope => "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            Reason::Denied => "PERMISSION_DENIED",
            Reason::Unavailable => "AUTHENTICATOR_UNAVAILABLE",
            Reason::Internal => "INTERNAL",
        }
    }

    pub(crate) fn challenged(self) -> Challenged {
        match self {
            Reason::Missing | Reason::Duplicate | Reason::Unsupported => Challenged::Accepted,
            Reason::Malformed | Reason::Invalid | Reason::Expired | Reason::InsufficientScope => {
                Challenged::Deciding
            }
            Reason::Denied | Reason::Unavailable | Reason::Internal => Challenged::None,
        }
    }

    /// The `error` parameter of the challenge (RFC 6750, section 3.1).
    pub(crate) fn oauth_error(self) -> Option<&'static str> {
        match self {
            Reason::Duplicate | Reason::Malformed => Some("invalid_request"),
            Reason::Invalid | Reason::Expired => Some("invalid_token"),
            Reason::InsufficientScope => Some("insufficient_scope"),
            _ => None,
        }
    }
}
