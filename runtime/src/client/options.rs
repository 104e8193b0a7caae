//! What one call wants otherwise than its channel.

use super::credential::Credential;

/// Put into a request's extensions: what holds for this call alone.
///
/// ```
/// use tonic::Request;
/// use tonic_guard::client::{CallOptions, Credential};
///
/// // Nothing is attached.
/// let mut request = Request::new(());
/// request.extensions_mut().insert(CallOptions::new().without_credentials());
///
/// // Another credential than the channel's, and no retry.
/// let mut request = Request::new(());
/// let admin = Credential::bearer("admin-token").unwrap();
/// request.extensions_mut().insert(CallOptions::new().credential(admin).without_retry());
/// ```
///
/// To pass on the token of a caller to the next service, keep the [`BearerToken`] in the identity, and
/// make a [`Credential`] of it; the page [`clients`](crate::manual::clients) has the whole program.
///
/// [`BearerToken`]: crate::scheme::BearerToken
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    pub(super) which: Which,
    pub(super) no_retry: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) enum Which {
    /// The channel's. A credential of the request's own, in the same header or in `authorization`, is an error.
    #[default]
    Channel,
    /// The channel's, in place of what the request brings along.
    ChannelWins,
    /// None, and what the request brings along is sent as it is.
    None,
    Other(Credential),
}

impl CallOptions {
    /// As the channel does it.
    pub fn new() -> Self {
        CallOptions::default()
    }

    /// Attaches nothing. An `authorization` or an API key that the request brings along is sent as it is, and
    /// a refusal isn't retried.
    #[must_use]
    pub fn without_credentials(self) -> Self {
        CallOptions { which: Which::None, ..self }
    }

    /// Attaches `credential` instead of the channel's. A refusal isn't retried: nothing newer can be
    /// had for it.
    #[must_use]
    pub fn credential(self, credential: Credential) -> Self {
        CallOptions { which: Which::Other(credential), ..self }
    }

    /// Attaches the channel's credential in place of an `authorization` or an API key that the request
    /// brings along, which is an error otherwise.
    #[must_use]
    pub fn replace_own_credentials(self) -> Self {
        CallOptions { which: Which::ChannelWins, ..self }
    }

    /// Hands a refusal to the caller instead of trying again with a new token.
    #[must_use]
    pub fn without_retry(self) -> Self {
        CallOptions { no_retry: true, ..self }
    }
}
