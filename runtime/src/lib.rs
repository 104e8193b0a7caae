#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

//! Say beside each method of a tonic service who may call it, and have the compiler check it.
//!
//! ```
//! use tonic::{Code, Request, Response, Status};
//! use tonic_guard::scheme::{Bearer, BearerToken};
//! use tonic_guard::{AuthError, Authenticate, authenticated};
//!
//! # #[tonic::async_trait]
//! # trait Greeter {
//! #     async fn greet(&self, request: Request<()>) -> Result<Response<String>, Status>;
//! # }
//! struct User {
//!     name: String,
//! }
//!
//! struct MyGreeter {
//!     token: String,
//! }
//!
//! impl Authenticate<Bearer> for MyGreeter {
//!     type Identity = User;
//!
//!     async fn authenticate(&self, token: BearerToken) -> Result<User, AuthError> {
//!         if token.matches(&self.token) {
//!             Ok(User { name: "Ada".into() })
//!         } else {
//!             Err(AuthError::invalid())
//!         }
//!     }
//! }
//!
//! #[authenticated(scheme = "bearer")]
//! #[tonic::async_trait]
//! impl Greeter for MyGreeter {
//!     async fn greet(
//!         &self,
//!         _: Request<()>,
//!         #[identity] caller: User,
//!     ) -> Result<Response<String>, Status> {
//!         Ok(Response::new(format!("hello {}", caller.name)))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let greeter = MyGreeter { token: "s3cret".into() };
//!
//! // Refused: the call carries no credentials.
//! let refused = greeter.greet(Request::new(())).await.unwrap_err();
//! assert_eq!(refused.code(), Code::Unauthenticated);
//! assert_eq!(refused.metadata().get("www-authenticate").unwrap(), "Bearer");
//!
//! // Let in: the handler receives the identity.
//! let mut request = Request::new(());
//! request.metadata_mut().insert("authorization", "Bearer s3cret".parse().unwrap());
//! let answer = greeter.greet(request).await.unwrap();
//! assert_eq!(answer.into_inner(), "hello Ada");
//! # }
//! ```
//!
//! # Two doors, one check
//!
//! [`#[authenticated]`](macro@authenticated) puts *the method's own door* at the top of the method's
//! body. It works alone, with nothing else mounted, but only after tonic has read and decoded the
//! whole message.
//!
//! [`guard`](guard()) adds *the front door*: a tower service around the generated server. It finds
//! the method by the request's path, runs the same check on the headers before a byte of the message
//! is read, and leaves a proof for the method's own door. A refused call costs the same whether it
//! carries 100 bytes or 4 MiB. Mount every guarded service this way:
//!
//! ```
//! # use std::sync::Arc;
//! # use tonic::{Request, Response, Status};
//! # use tonic_guard::{AuthError, Authenticate, authenticated, scheme::*};
//! # use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse, health_server::{Health, HealthServer}};
//! # struct Probe;
//! # impl Authenticate<Bearer> for Probe {
//! #     type Identity = ();
//! #     async fn authenticate(&self, _: BearerToken) -> Result<(), AuthError> { Ok(()) }
//! # }
//! # type Changes = tokio_stream::Empty<Result<HealthCheckResponse, Status>>;
//! # #[authenticated(scheme = "bearer")]
//! # #[tonic::async_trait]
//! # impl Health for Probe {
//! #     #[anonymous(reason = "liveness probe")]
//! #     async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
//! #         Ok(Response::new(HealthCheckResponse::default()))
//! #     }
//! #     type WatchStream = Changes;
//! #     async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Changes>, Status> {
//! #         Ok(Response::new(tokio_stream::empty()))
//! #     }
//! # }
//! use tonic_guard::guard;
//!
//! let guarded = guard(Probe, HealthServer::from_arc);
//! println!("{}", guarded.policy());
//! let router = tonic::transport::Server::builder().add_service(guarded);
//! ```
//!
//! With the feature `server`, `GuardedRoutes` makes the whole server closed by default: a service is
//! guarded, or open with a reason, and one table says who may call what.
//!
//! # The few ideas
//!
//! - A [`Scheme`] says where a kind of credential stands in a call's head. There are
//!   [`Bearer`](scheme::Bearer), [`Basic`](scheme::Basic), [`ApiKey`](scheme::ApiKey),
//!   [`FromExtensions`](scheme::FromExtensions) and, with the feature `client-certificate`,
//!   `ClientCertificate`; yours are as good.
//! - An [`Authenticate`](trait@Authenticate) turns credentials into an identity, or refuses. Verifiers
//!   implement it; services implement or [derive](derive@Authenticate) it.
//! - An [`AuthError`] is why a caller is refused. It decides the status.
//! - A [`ServicePolicy`] is what the attributes say, as data: text, Markdown, JSON.
//! - [`in_process::call_as`] is the one way around authentication, for code of the same process.
//!
//! # What a refused caller gets
//!
//! A gRPC status in trailers-only form, with a constant message, a `google.rpc.ErrorInfo` and a
//! `www-authenticate` challenge, never a bare HTTP 401.
//!
//! | why | code | `ErrorInfo.reason` | `www-authenticate` |
//! | --- | --- | --- | --- |
//! | nothing presented | UNAUTHENTICATED | CREDENTIALS_MISSING | a challenge per accepted scheme |
//! | presented twice | UNAUTHENTICATED | OVERLOADED_CREDENTIALS | the same, `invalid_request` |
//! | malformed | UNAUTHENTICATED | CREDENTIALS_MALFORMED | `invalid_request` |
//! | a scheme not accepted here | UNAUTHENTICATED | CREDENTIAL_TYPE_UNSUPPORTED | a challenge per accepted scheme |
//! | wrong | UNAUTHENTICATED | CREDENTIALS_INVALID, API_KEY_INVALID, JWT_TOKEN_INVALID | `invalid_token` |
//! | expired | UNAUTHENTICATED | ACCESS_TOKEN_EXPIRED | `invalid_token` |
//! | known, lacks a scope | PERMISSION_DENIED | ACCESS_TOKEN_SCOPE_INSUFFICIENT | `insufficient_scope`, `scope=".."` |
//! | known, not allowed | PERMISSION_DENIED | PERMISSION_DENIED | none |
//! | the authenticator can't decide now | UNAVAILABLE | AUTHENTICATOR_UNAVAILABLE | none |
//! | the authenticator or a check panicked | INTERNAL | none | none |
//! | no such method, or not a gRPC call | UNIMPLEMENTED | none | none |
//!
//! A header that no scheme of the method's policy reads counts as nothing presented: an API key sent to a
//! method that takes bearer tokens gets CREDENTIALS_MISSING.
//!
//! The reasons follow Google's `google.api.ErrorReason` where it has one. The metadata of `ErrorInfo`
//! names the `scheme` and, at the front door, the `service` and the `method`: such a call never
//! reached its handler, so a client may retry it. The domain is `tonic-guard`, or what
//! [`Guard::error_domain`] sets. Challenges follow RFC 9110, section 11.6.1, and their errors RFC 6750,
//! section 3.1.
//!
//! # Where things stand
//!
//! - CORS layers, and interceptors that put an identity into the extensions, stand outside
//!   [`guard`](guard()). What stands inside sees admitted calls alone. A browser asks without credentials
//!   whether its page may call, and shows the page those headers of a refusal that CORS exposes: name
//!   `grpc-status`, `grpc-message`, `grpc-status-details-bin` and `www-authenticate`. The example `serve`
//!   does so; `adopt` has an interceptor.
//! - Over HTTP/1.1 a caller that still writes may not read an answer. There a guard reads up to 64 KiB of
//!   a refused message, for at most a second, and drops it.
//! - The front door marks the values of credential headers sensitive, so `{request:?}` doesn't print
//!   them. Layers outside it see them as they came.
//! - Every decision is a `tracing` event with the target `tonic_guard`: service, method, scheme,
//!   outcome, reason, and what [`AuthError::because`] adds. It never holds a credential.
//! - A trait whose functions aren't remote procedures themselves, such as Arrow Flight SQL's, has the
//!   method's own door only.
//! - Extensions never come from the wire. Whoever may insert into them runs inside your process.

#[doc(hidden)]
#[path = "codegen.rs"]
pub mod __private;
mod authenticate;
mod challenge;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub mod client;
mod error;
mod evaluate;
mod guard;
mod handler_check;
pub mod in_process;
pub mod manual;
mod net;
mod policy;
mod reason;
pub mod scheme;
mod verifiers;

pub use tonic_guard_macros::{Authenticate, anonymous, authenticated};

#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub use crate::guard::GuardedRoutes;
#[cfg(feature = "_http")]
#[cfg_attr(
    docsrs,
    doc(cfg(any(feature = "client-oauth", feature = "introspection", feature = "jwks")))
)]
pub use crate::net::http_client;
#[cfg(feature = "api-keys")]
#[cfg_attr(docsrs, doc(cfg(feature = "api-keys")))]
pub use crate::verifiers::api_keys;
#[cfg(feature = "client-certificate")]
#[cfg_attr(docsrs, doc(cfg(feature = "client-certificate")))]
pub use crate::verifiers::certificates;
#[cfg(feature = "introspection")]
#[cfg_attr(docsrs, doc(cfg(feature = "introspection")))]
pub use crate::verifiers::introspection;
#[cfg(feature = "jwt")]
#[cfg_attr(docsrs, doc(cfg(feature = "jwt")))]
pub use crate::verifiers::jwt;
#[cfg(feature = "passwords")]
#[cfg_attr(docsrs, doc(cfg(feature = "passwords")))]
pub use crate::verifiers::passwords;
pub use crate::{
    authenticate::{Authenticate, BoxAuthenticator, DEFAULT_DEADLINE},
    challenge::Challenge,
    error::AuthError,
    evaluate::{
        check_result::IntoCheckResult,
        identity::FromIdentity,
        requirement::{HasRoles, HasScopes},
    },
    guard::{Guard, GuardFuture, Guarded, GuardedBody, guard, guard_arc, policy_of},
    policy::{Access, Checks, Combinator, MethodPolicy, PolicyTable, ServicePolicy},
    scheme::{CallHead, RpcName, Scheme},
    verifiers::compose,
};
