//! The client side: call credentials for a channel.
//!
//! gRPC has channel credentials, which are TLS, and call credentials, which are metadata. tonic provides
//! only the former. [`CallCredentials`] attach a token to each call and fetch a new token before the old
//! one expires. When a server rejects the token nevertheless, they retry the call once with a newer token.
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
//! The page [`clients`](crate::manual::clients) describes when a token is fetched, when a call is retried,
//! and which errors a caller gets.

mod cache;
mod call_credentials;
mod channel;
mod channel_state;
mod credential;
mod deadline;
mod endpoint;
mod error;
mod future;
mod layer;
#[cfg(feature = "client-oauth")]
pub mod oauth;
mod options;
mod refresh_schedule;
mod replay;
mod request_head;
mod response;
mod retry;
mod service;
mod token;
mod token_file;

#[cfg(feature = "jwks")]
pub(crate) use self::token::WithCauses;
pub use self::{
    call_credentials::{CallCredentials, DEFAULT_REFRESH_COOLDOWN, DEFAULT_REPLAY_LIMIT},
    credential::{Credential, InvalidCredential},
    endpoint::InsecureEndpoint,
    error::{CallError, CallErrorKind},
    future::ResponseFuture,
    layer::CallCredentialsLayer,
    options::CallOptions,
    service::CallCredentialsService,
    token::{DEFAULT_FETCH_DEADLINE, Token, TokenFn, TokenSource, TokenSourceError, token_fn},
    token_file::TokenFile,
};
