//! Options for a single call.

use super::credential::Credential;

/// Overrides what the channel does for one call. Put it into the request's extensions.
///
/// ```
/// use tonic::Request;
/// use tonic_guard::client::{CallOptions, Credential};
///
/// // Attaches no credentials.
/// let mut request = Request::new(());
/// request.extensions_mut().insert(CallOptions::new().without_credentials());
///
/// // Attaches another credential than the channel's, and doesn't retry.
/// let mut request = Request::new(());
/// let admin = Credential::bearer("admin-token").unwrap();
/// request.extensions_mut().insert(CallOptions::new().credential(admin).without_retry());
/// ```
///
/// To forward the token of a caller to the next service, keep the [`BearerToken`] in the identity and
/// convert it into a [`Credential`]; the page [`clients`](crate::manual::clients) has a complete example.
///
/// [`BearerToken`]: crate::scheme::BearerToken
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    pub(super) credentials: CredentialChoice,
    pub(super) no_retry: bool,
}

/// The credentials that a call carries.
#[derive(Clone, Debug, Default)]
pub(super) enum CredentialChoice {
    /// The channel's credentials. It is an error if the request already has the same header or `authorization`.
    #[default]
    Channel,
    /// The channel's credentials, which replace those in the request.
    ReplaceWithChannel,
    /// No credentials beside those in the request.
    None,
    Custom(Credential),
}

impl CallOptions {
    /// Attaches the channel's credentials, and retries when they are rejected.
    pub fn new() -> Self {
        CallOptions::default()
    }

    /// Attaches no credentials, and doesn't retry.
    ///
    /// An `authorization` header or an API key of the request is sent unchanged.
    #[must_use]
    pub fn without_credentials(self) -> Self {
        CallOptions { credentials: CredentialChoice::None, ..self }
    }

    /// Attaches `credential` instead of the channel's.
    ///
    /// A rejected call isn't retried, because no source can provide a newer credential.
    #[must_use]
    pub fn credential(self, credential: Credential) -> Self {
        CallOptions { credentials: CredentialChoice::Custom(credential), ..self }
    }

    /// Replaces an `authorization` header or an API key of the request by the channel's credentials.
    ///
    /// By default, such a request is an error.
    #[must_use]
    pub fn replace_request_credentials(self) -> Self {
        CallOptions { credentials: CredentialChoice::ReplaceWithChannel, ..self }
    }

    /// Returns a rejection to the caller instead of retrying with a new token.
    #[must_use]
    pub fn without_retry(self) -> Self {
        CallOptions { no_retry: true, ..self }
    }
}
