#![forbid(unsafe_code)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic fails the test that uses this crate"
)]

//! An in-memory issuer of signed tokens (JWTs), for tests of services that use `tonic-guard`.
//!
//! Add it to `[dev-dependencies]` only. A program in production must not trust keys of this crate.
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
//! // Accepted.
//! let token = issuer.access_token("https://greeter.example").subject("ada").scope("greet").sign();
//! assert_eq!(greeter.greet(request(&token)).await?.into_inner(), "hello ada");
//!
//! // Rejected: the token lacks the scope.
//! let token = issuer.access_token("https://greeter.example").sign();
//! let status = greeter.greet(request(&token)).await.unwrap_err();
//! assert_eq!(status.code(), Code::PermissionDenied);
//!
//! // Rejected: the token is for another service.
//! let token = issuer.access_token("https://other.example").scope("greet").sign();
//! let status = greeter.greet(request(&token)).await.unwrap_err();
//! assert_eq!(status.code(), Code::Unauthenticated);
//!
//! // Rejected: the token is signed with a key of another issuer.
//! let other = Issuer::new("https://id.example");
//! let token = other.access_token("https://greeter.example").scope("greet").sign();
//! let status = greeter.greet(request(&token)).await.unwrap_err();
//! assert_eq!(status.code(), Code::Unauthenticated);
//! # Ok(())
//! # }
//! ```
//!
//! [`Issuer::serve`] serves the keys and a discovery document on loopback, for services that fetch them.
//! [`Issuer::rotate`] and [`Issuer::forget_older_keys`] are the two steps of a key rotation.
//! [`SigningKey::sign`] signs any header and payload, for tests with malformed tokens.

mod http;
mod issuer;
mod issuer_state;
mod signing_key;
mod token;

pub use crate::{
    issuer::Issuer,
    signing_key::{Algorithm, SigningKey, sign_hs256},
    token::Token,
};
