//! The caller's side: call credentials for a channel.
//!
//! gRPC has two kinds of credentials: those of a channel, which is TLS, and those of a call, which are
//! metadata. tonic leaves the second to its users. [`CallCredentials`] attach a token to each call, get a
//! new one before it expires, and when a server refuses it all the same, send the call once more with a
//! newer one.
//!
//! ```no_run
//! # mod orders {
//! #     #[derive(Clone)] pub struct OrdersClient<T>(T);
//! #     impl<T> OrdersClient<T> { pub fn new(inner: T) -> Self { OrdersClient(inner) } }
//! # }
//! use tonic::transport::Endpoint;
//! use tonic_guard::client::{CallCredentials, TokenFile};
//!
//! # use orders::OrdersClient;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let credentials = CallCredentials::bearer(TokenFile::new("/var/run/secrets/tokens/orders"));
//! let channel = credentials.channel(Endpoint::new("https://orders.example")?)?;
//! let client = OrdersClient::new(channel);
//! # Ok(())
//! # }
//! ```
//!
//! The page [`clients`](crate::manual::clients) says when a token is fetched, when a call is retried,
//! and what its caller is told.

mod cache;
mod channel;
mod credential;
mod deadline;
mod error;
mod file;
#[cfg(feature = "client-oauth")]
pub mod oauth;
mod options;
mod refusal;
mod replay;
mod schedule;
mod service;
mod token;

use std::{fmt, sync::Arc, time::Duration};

pub use self::{
    channel::InsecureEndpoint,
    credential::{Credential, InvalidCredential},
    error::{CallError, CallErrorKind},
    file::TokenFile,
    options::CallOptions,
    service::{CallCredentialsLayer, CallCredentialsService, ResponseFuture},
    token::{DEFAULT_FETCH_DEADLINE, Token, TokenFn, TokenSource, TokenSourceError, token_fn},
};

use self::{cache::CredentialCache, credential::Form};
use crate::scheme::ApiKey;

/// How much of a request is kept for a retry, unless it is set otherwise.
pub const DEFAULT_REPLAY_LIMIT: usize = 256 * 1024;

/// How far apart two fetches are that refusals ask for, unless it is set otherwise.
pub const DEFAULT_REFUSAL_INTERVAL: Duration = Duration::from_secs(1);

/// What says who makes the calls of a channel, and keeps it fresh.
///
/// A clone shares the token and its fetches: make one for each identity of a program, and as many
/// channels of it as there are servers that take it.
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
    cache: Arc<CredentialCache>,
    replay_limit: usize,
    refusal_interval: Duration,
    strict_retries: bool,
}

impl CallCredentials {
    /// `authorization: Bearer ..`, with the tokens of `source`.
    pub fn bearer(source: impl TokenSource) -> Self {
        CallCredentials::new(source, Form::Bearer)
    }

    /// An API key in the header of `scheme`, with the keys of `source`.
    pub fn api_key(scheme: ApiKey, source: impl TokenSource) -> Self {
        CallCredentials::new(source, Form::ApiKey(scheme))
    }

    /// `authorization: Basic ..`, with the passwords of `source` for `user_id`.
    pub fn basic(user_id: impl Into<Box<str>>, source: impl TokenSource) -> Self {
        CallCredentials::new(source, Form::Basic { user_id: user_id.into() })
    }

    fn new(source: impl TokenSource, form: Form) -> Self {
        CallCredentials {
            cache: CredentialCache::new(Box::new(source), form),
            replay_limit: DEFAULT_REPLAY_LIMIT,
            refusal_interval: DEFAULT_REFUSAL_INTERVAL,
            strict_retries: false,
        }
    }

    /// How many bytes of a request are kept so that it can be sent once more. 256 KiB by default. A
    /// request that is larger is sent as ever, and a refusal of it isn't retried.
    #[must_use]
    pub fn replay_limit(self, bytes: usize) -> Self {
        CallCredentials { replay_limit: bytes, ..self }
    }

    /// How far apart two fetches are that refusals ask for. One second by default. It keeps a server
    /// that refuses everything from driving the source.
    #[must_use]
    pub fn refusal_interval(self, interval: Duration) -> Self {
        CallCredentials { refusal_interval: interval, ..self }
    }

    /// Retries only where the refusal's `ErrorInfo` names the service and the method that was called,
    /// as that of a [`guard`](crate::guard()) does: then the handler wasn't reached.
    ///
    /// Otherwise a refusal that names nothing is retried too. A server that checks its callers inside
    /// of handlers, after some work was done, may then do that work twice.
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
            .field("refusal_interval", &self.refusal_interval)
            .field("strict_retries", &self.strict_retries)
            .finish_non_exhaustive()
    }
}
