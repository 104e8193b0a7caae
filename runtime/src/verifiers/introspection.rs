//! Verifies opaque bearer tokens at the introspection endpoint of an authorization server (RFC 7662).
//!
//! An [`IntrospectionVerifier`] sends the token of a call to the endpoint and checks the response:
//! `active` must be the boolean `true`, issuer and audience must match, no claim may indicate another kind of
//! token, and the token must be within its dates. The handler receives the claims as [`Claims`] or as a
//! custom type.
//!
//! ```no_run
//! use tonic::{Request, Response, Status};
//! use tonic_guard::introspection::{
//!     AudienceMatcher, Claims, ClientAuthentication, IntrospectionVerifier, IssuerMatcher,
//! };
//! use tonic_guard::{Authenticate, authenticated};
//!
//! # #[tonic::async_trait]
//! # trait Greeter {
//! #     async fn greet(&self, request: Request<()>) -> Result<Response<String>, Status>;
//! # }
//! #[derive(Authenticate)]
//! struct MyGreeter {
//!     #[verifies("bearer")]
//!     tokens: IntrospectionVerifier<Claims>,
//! }
//!
//! #[authenticated(scheme = "bearer", scopes("greet"))]
//! #[tonic::async_trait]
//! impl Greeter for MyGreeter {
//!     async fn greet(
//!         &self,
//!         _: Request<()>,
//!         #[identity] caller: Claims,
//!     ) -> Result<Response<String>, Status> {
//!         Ok(Response::new(format!("hello {}", caller.subject().unwrap_or("stranger"))))
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let tokens = IntrospectionVerifier::builder(
//!     "https://id.example/oauth2/introspect",
//!     ClientAuthentication::basic("greeter", std::env::var("INTROSPECTION_SECRET")?),
//!     IssuerMatcher::is("https://id.example"),
//!     AudienceMatcher::includes("https://greeter.example"),
//! )
//! .build()?;
//! let greeter = MyGreeter { tokens };
//! # Ok(())
//! # }
//! ```
//!
//! # Caching and concurrency
//!
//! An active token is cached for a minute, or until its `exp` if that comes first, so a revoked token
//! stays valid for at most that long. [`cache_ttl`](IntrospectionVerifierBuilder::cache_ttl) changes the
//! time, and zero disables the cache. A rejected token is cached for five seconds, in a separate cache, so
//! that bad tokens can't evict good ones. Both caches are bounded in size. Their keys are MACs of tokens, under a
//! random key of this process: neither contains a token.
//!
//! Concurrent calls with the same token share one request. It runs in its own task, so a caller that
//! goes away doesn't cancel it for the others. The number of concurrent requests is limited, and a call
//! beyond the limit is rejected as UNAVAILABLE.
//!
//! # When the endpoint doesn't answer
//!
//! A call is rejected as UNAVAILABLE when the endpoint is unreachable or too slow, responds with another status
//! than 200, rejects the service's own credentials, or sends something that isn't an introspection
//! response. The event of the decision has the cause, and nothing is cached.

mod cache;
mod client_authentication;
mod endpoint;
mod expectations;
mod introspector;
mod outcome;
mod response;
mod token_digest;
mod token_rejected;
mod verifier;

pub use self::{
    client_authentication::ClientAuthentication,
    expectations::{AudienceMatcher, IssuerMatcher},
    verifier::{IntrospectionVerifier, IntrospectionVerifierBuilder},
};
pub use crate::verifiers::shared::claims::Claims;
