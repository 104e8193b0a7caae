//! Call credentials, in the sense of gRPC: the token source and the header that every call on a channel uses.

use std::{fmt, sync::Arc, time::Duration};

use super::{cache::CredentialCache, credential::Form, token::TokenSource};
use crate::scheme::ApiKey;

/// The default of [`CallCredentials::replay_limit`].
pub const DEFAULT_REPLAY_LIMIT: usize = 256 * 1024;

/// The default of [`CallCredentials::refresh_cooldown`].
pub const DEFAULT_REFRESH_COOLDOWN: Duration = Duration::from_secs(1);

/// A token source and the header in which each call carries its tokens.
///
/// Clones share the token and its fetches. Make one for each identity of a program, and use it for the
/// channels to all servers that accept this identity.
///
/// ```
/// use tonic_guard::client::{CallCredentials, Token};
/// use tonic_guard::scheme::ApiKey;
///
/// let bearer = CallCredentials::bearer(Token::new("s3cret"));
/// let key = CallCredentials::api_key(ApiKey::header("x-ingest-key"), Token::new("k-1"));
/// let password = CallCredentials::basic("ada", Token::new("pa:ss"));
/// ```
#[derive(Clone)]
pub struct CallCredentials {
    pub(super) cache: Arc<CredentialCache>,
    pub(super) replay_limit: usize,
    pub(super) refresh_cooldown: Duration,
    pub(super) strict_retries: bool,
}

impl CallCredentials {
    /// Sends `authorization: Bearer ..` with the tokens of `source`.
    pub fn bearer(source: impl TokenSource) -> Self {
        CallCredentials::new(source, Form::Bearer)
    }

    /// Sends the keys of `source` in the header of `scheme`.
    pub fn api_key(scheme: ApiKey, source: impl TokenSource) -> Self {
        CallCredentials::new(source, Form::ApiKey(scheme))
    }

    /// Sends `authorization: Basic ..` with `user_id` and the passwords of `source`.
    pub fn basic(user_id: impl Into<Box<str>>, source: impl TokenSource) -> Self {
        CallCredentials::new(source, Form::Basic { user_id: user_id.into() })
    }

    fn new(source: impl TokenSource, form: Form) -> Self {
        CallCredentials {
            cache: CredentialCache::new(Box::new(source), form),
            replay_limit: DEFAULT_REPLAY_LIMIT,
            refresh_cooldown: DEFAULT_REFRESH_COOLDOWN,
            strict_retries: false,
        }
    }

    /// Sets how many bytes of a request are kept for a retry: 256 KiB by default.
    ///
    /// A larger request is sent as usual, and isn't retried when it is rejected.
    #[must_use]
    pub fn replay_limit(self, bytes: usize) -> Self {
        CallCredentials { replay_limit: bytes, ..self }
    }

    /// Sets the minimum time between two fetches that rejected calls trigger: one second by default.
    ///
    /// It limits the requests to the token source when a server rejects every token.
    #[must_use]
    pub fn refresh_cooldown(self, time: Duration) -> Self {
        CallCredentials { refresh_cooldown: time, ..self }
    }

    /// Retries only when the `ErrorInfo` of the rejection names the service and the method of the call.
    ///
    /// The rejections of a [`guard`](crate::guard()) do so: they are sent before the handler runs. By
    /// default, a rejection that names no method is retried, too. A server that authenticates its callers
    /// inside its handlers, after other work, may then do this work twice.
    #[must_use]
    pub fn strict_retries(self) -> Self {
        CallCredentials { strict_retries: true, ..self }
    }
}

impl fmt::Debug for CallCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallCredentials")
            .field("header", self.cache.header())
            .field("replay_limit", &self.replay_limit)
            .field("refresh_cooldown", &self.refresh_cooldown)
            .field("strict_retries", &self.strict_retries)
            .finish_non_exhaustive()
    }
}
