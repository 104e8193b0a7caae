use std::{error::Error, fmt};

use crate::error::AuthError;

/// Why a token is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenRejected {
    Inactive,
    BoundToKey,
    OtherKind,
    TokenType,
    Issuer,
    Audience,
    DateType,
    Expired,
    NotYetValid,
}

impl From<TokenRejected> for AuthError {
    fn from(reason: TokenRejected) -> Self {
        match reason {
            TokenRejected::Expired => AuthError::expired().because(reason),
            _ => AuthError::invalid().because(reason),
        }
    }
}

impl fmt::Display for TokenRejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TokenRejected::Inactive => "the token isn't active",
            TokenRejected::BoundToKey => {
                "the token is bound to a key (`cnf`), which can't be checked here"
            }
            TokenRejected::OtherKind => {
                "a claim indicates another kind of token, such as an ID or refresh token"
            }
            TokenRejected::TokenType => "the `token_type` isn't that of a bearer access token",
            TokenRejected::Issuer => "the `iss` isn't the expected issuer",
            TokenRejected::Audience => "the `aud` doesn't include this service",
            TokenRejected::DateType => "the `exp` or `nbf` isn't a number",
            TokenRejected::Expired => "the token has expired",
            TokenRejected::NotYetValid => "the token isn't valid yet",
        })
    }
}

impl Error for TokenRejected {}
