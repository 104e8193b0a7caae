#![forbid(unsafe_code)]
#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test that can't go on fails")]

//! An issuer of signed tokens in memory, for tests of services that `tonic-guard` guards.
//!
//! Name it under `[dev-dependencies]`. It makes tokens that get in: it belongs in no program that runs.
//!
//! ```
//! use tonic::{Code, Request, Response, Status};
//! use tonic_guard::jwt::{Claims, JwtVerifier, KeySet};
//! use tonic_guard::{Authenticate, authenticated};
//! use tonic_guard_test::Issuer;
//!
//! # #[tonic::async_trait]
//! # trait Greeter {
//! #     async fn greet(&self, request: Request<()>) -> Result<Response<String>, Status>;
//! # }
//! #[derive(Authenticate)]
//! struct MyGreeter {
//!     #[verifies("bearer")]
//!     tokens: JwtVerifier<Claims>,
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
//! fn request(token: &str) -> Request<()> {
//!     let mut request = Request::new(());
//!     request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
//!     request
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let issuer = Issuer::new("https://id.example");
//! let greeter = MyGreeter {
//!     tokens: JwtVerifier::access_tokens("https://id.example", "https://greeter.example")
//!         .build(KeySet::from_jwks(issuer.jwks())?),
//! };
//!
//! // Let in.
//! let token = issuer.access_token("https://greeter.example").subject("ada").scope("greet").sign();
//! assert_eq!(greeter.greet(request(&token)).await?.into_inner(), "hello ada");
//!
//! // Refused: the token lacks the scope, is for another service, comes from another issuer.
//! let token = issuer.access_token("https://greeter.example").sign();
//! let refused = greeter.greet(request(&token)).await.unwrap_err();
//! assert_eq!(refused.code(), Code::PermissionDenied);
//! let token = issuer.access_token("https://other.example").scope("greet").sign();
//! let refused = greeter.greet(request(&token)).await.unwrap_err();
//! assert_eq!(refused.code(), Code::Unauthenticated);
//! let other = Issuer::new("https://id.example");
//! let token = other.access_token("https://greeter.example").scope("greet").sign();
//! let refused = greeter.greet(request(&token)).await.unwrap_err();
//! assert_eq!(refused.code(), Code::Unauthenticated);
//! # Ok(())
//! # }
//! ```
//!
//! [`Issuer::serve`] publishes the keys on loopback, with a discovery document, for a service that
//! fetches them. [`Issuer::rotate`] and [`Issuer::forget_older_keys`] are a rotation's two steps.
//! [`SigningKey::sign`] signs whatever it is given, for tokens that must be refused.

mod http;
mod issuer;
mod signing_key;
mod token;

pub use crate::{
    issuer::Issuer,
    signing_key::{Algorithm, SigningKey, sign_hs256},
    token::Token,
};
