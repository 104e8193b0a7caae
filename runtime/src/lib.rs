#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

//! Declarative authentication for tonic services: each method declares who may call it, and the compiler
//! checks that none is left out.
//!
//! ```
//! use tonic::{Code, Request, Response, Status};
//! use tonic_guard::scheme::{Bearer, BearerToken};
//! use tonic_guard::{AuthError, Authenticate, Authenticated, authenticated};
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
//!     async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<User>, AuthError> {
//!         if token.matches(&self.token) {
//!             Ok(User { name: "Ada".into() }.into())
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
//! // Rejected: the call carries no credentials.
//! let rejected = greeter.greet(Request::new(())).await.unwrap_err();
//! assert_eq!(rejected.code(), Code::Unauthenticated);
//! assert_eq!(rejected.metadata().get("www-authenticate").unwrap(), "Bearer");
//!
//! // Admitted: the handler receives the identity.
//! let mut request = Request::new(());
//! request.metadata_mut().insert("authorization", "Bearer s3cret".parse().unwrap());
//! let response = greeter.greet(request).await.unwrap();
//! assert_eq!(response.into_inner(), "hello Ada");
//! # }
//! ```
//!
//! The [manual] has a page for each task: [which verifier for whom](manual::verifiers),
//! [migrating from an interceptor](manual::migrating), [testing](manual::testing),
//! [development without authentication](manual::development), [logging](manual::logging),
//! [what a client does after a rejection](manual::rejections) and
//! [a checklist for production](manual::production).
//!
//! # The path of a call
//!
#![doc = include_str!("../docs/call-path.svg")]
//!
//! [`#[authenticated]`](macro@authenticated) inserts the *handler check*: a call at the top of each
//! handler that evaluates the method's policy. It works without anything else, but it runs after tonic has
//! read and decoded the whole message.
//!
//! [`guard`](guard()) adds the *guard*: a tower service around the generated server. It finds the method by
//! the request path, evaluates the same policy on the headers before a byte of the message is read, and leaves
//! a *handoff*, the sealed identity that the handler check takes. A rejected call costs the same for a message
//! of 100 bytes and of 4 MiB. Mount every guarded service this way:
//!
//! ```
//! # mod probe { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doctests/probe.rs")); }
//! # use probe::*;
//! use tonic_guard::guard;
//!
//! let guarded = guard(Probe, HealthServer::from_arc);
//! println!("{}", guarded.policy());
//! let router = tonic::transport::Server::builder().add_service(guarded);
//! ```
//!
//! With the feature `server`, [`GuardedRoutes`] makes the whole server deny by default: each service is
//! guarded, or open with a reason, and one table lists who may call which method.
//!
//! # Features
//!
//! No feature is on by default.
//!
//! | feature | adds | manual |
//! | --- | --- | --- |
//! | `server` | [`GuardedRoutes`], and the peer's address in [`CallHead`] | |
//! | `jwt` | [`JwtVerifier`]: signed tokens, verified with keys that you have | [identity providers](manual::identity_providers) |
//! | `jwks` | [`RemoteKeys`]: keys that an identity provider publishes and rotates | [remote keys](manual::remote_keys) |
//! | `introspection` | [`IntrospectionVerifier`]: opaque tokens, looked up at the provider | [introspection](manual::introspection) |
//! | `api-keys` | [`ApiKeys`] and [`StaticToken`]: keys that you issue | [API keys](manual::api_keys) |
//! | `passwords` | [`Passwords`]: HTTP Basic against Argon2 hashes | [passwords](manual::passwords) |
//! | `client-certificate` | [`SpiffeIds`] and [`CertificateVerifier`]: mutual TLS | [mTLS](manual::mtls) |
//! | `client` | [`CallCredentials`]: tokens on the calls of a channel, renewed, with one retry | [clients](manual::clients) |
//! | `client-oauth` | [`oauth`]: token sources for client credentials and refresh tokens | [clients](manual::clients) |
//! | `tls-aws-lc`, `tls-ring` | tonic's features of these names; a channel with call credentials needs one | [clients](manual::clients) |
//!
//! [`compose`] combines verifiers: by issuer, by token format, mapped to another identity. It needs no
//! feature, and so does [`TrustExtension`](scheme::TrustExtension), for identities that a layer of the same
//! server provides. The crate [`tonic-guard-test`](https://docs.rs/tonic-guard-test) has an in-memory issuer of
//! signed tokens for tests.
//!
//! # Concepts
//!
//! - A [`Scheme`] is a kind of credentials and where a request carries them.
//!   [`Bearer`](scheme::Bearer) and [`Basic`](scheme::Basic) read `authorization`,
//!   [`ApiKey`](scheme::ApiKey) reads `x-api-key` or a header that you name, [`ClientCertificate`] reads the
//!   connection, and [`FromExtensions`](scheme::FromExtensions) reads the request's extensions. Any type can
//!   implement it.
//! - An [`Authenticate`](trait@Authenticate) turns credentials into an identity, or rejects them. Verifiers
//!   implement it; services implement or [derive](derive@Authenticate) it.
//! - An [`AuthError`] is why credentials are rejected. It decides the status.
//! - A [`ServicePolicy`] is the content of the attributes as data: text, Markdown, JSON.
//! - [`in_process::call_as`] calls a guarded handler with an identity from code of the same process.
//! - [`Authenticate::bypass`] turns an authenticator off, for development. The guard warns about it, and the
//!   policy table shows it.
//!
//! # Rejections
//!
//! A rejected call ends with a gRPC status in trailers-only form, with a constant message, a
//! `google.rpc.ErrorInfo` and a `www-authenticate` challenge, never with a bare HTTP 401.
//!
//! | cause | code | `ErrorInfo.reason` | `www-authenticate` |
//! | --- | --- | --- | --- |
//! | no credentials | UNAUTHENTICATED | CREDENTIALS_MISSING | a challenge per accepted scheme that has one |
//! | credentials presented twice | UNAUTHENTICATED | OVERLOADED_CREDENTIALS | the same, `invalid_request` |
//! | malformed credentials | UNAUTHENTICATED | CREDENTIALS_MALFORMED | `invalid_request` |
//! | a scheme that the method doesn't accept | UNAUTHENTICATED | CREDENTIAL_TYPE_UNSUPPORTED | a challenge per accepted scheme |
//! | wrong credentials | UNAUTHENTICATED | CREDENTIALS_INVALID, API_KEY_INVALID, JWT_TOKEN_INVALID | `invalid_token` |
//! | expired credentials | UNAUTHENTICATED | ACCESS_TOKEN_EXPIRED | `invalid_token` |
//! | the caller is known and lacks a scope | PERMISSION_DENIED | ACCESS_TOKEN_SCOPE_INSUFFICIENT | `insufficient_scope`, `scope=".."` |
//! | the caller is known and not allowed | PERMISSION_DENIED | PERMISSION_DENIED | none |
//! | the authenticator can't decide now | UNAVAILABLE | AUTHENTICATOR_UNAVAILABLE | none |
//! | the authenticator or a check panicked | INTERNAL | none | none |
//! | unknown method, or not a gRPC call | UNIMPLEMENTED | none | none |
//!
//! A header that none of the method's schemes reads counts as absent credentials: an API key sent to a
//! method that takes bearer tokens is rejected with CREDENTIALS_MISSING.
//!
//! The reasons follow Google's `google.api.ErrorReason` where it has one. The metadata of `ErrorInfo`
//! names the `scheme` and, at the guard, the `service` and the `method`: such a call never
//! reached its handler, so a client may retry it. The domain is `tonic-guard` unless
//! [`Guard::error_domain`] sets another. Challenges follow RFC 9110, section 11.6.1, and their errors RFC 6750,
//! section 3.1. [What a client does](manual::rejections) after each of these, with the code that reads
//! `ErrorInfo` and the challenges, is in the manual.
//!
//! # Behaviour to know
//!
//! - **Order of layers.** CORS layers, and interceptors that put an identity into the extensions, go outside
//!   [`guard`](guard()). A layer inside it sees only admitted calls. A browser sends its preflight request
//!   without credentials, and shows a page only those headers of a rejection that CORS exposes: expose
//!   `grpc-status`, `grpc-message`, `grpc-status-details-bin` and `www-authenticate`, as the example `serve`
//!   does. The example `adopt` has an interceptor.
//! - **Readiness.** A guard is always ready. It polls the inner service when a call is admitted, so callers who
//!   aren't admitted take no permit of a concurrency limit inside the guard.
//! - **Callers that go away.** When a call is cancelled, the future of its authenticator is dropped at its
//!   current `await`. Spawn work that must finish.
//! - **Streams.** A call is decided once, when it begins. A stream goes on after its token has expired:
//!   [the manual](manual::streams) shows how a handler ends it.
//! - **Rejections over HTTP/1.1.** A client that still writes may not read a response. The guard therefore
//!   reads and drops up to 64 KiB of a rejected message, for at most a second.
//! - **Secrets.** The guard marks the values of credential headers sensitive, so `{request:?}` doesn't print
//!   them. Layers outside it see them unmarked.
//! - **Logging.** Every decision is a `tracing` event with the target `tonic_guard`: service, method, scheme,
//!   outcome, reason, and the cause that [`AuthError::because`] adds. It never holds a credential.
//!   [The manual](manual::logging) lists the levels and fields.
//! - **Traits that aren't services.** The methods of a trait that wraps the generated one, such as Arrow
//!   Flight SQL's, have the handler check only: their names aren't RPCs, so a guard can't find them by path.
//! - **Extensions.** They never come from the wire. Code that can insert into them runs inside your process.
//!
//! # Requirements and questions
//!
//! Rust 1.88 and tonic 0.14. Questions go to the
//! [discussions](https://github.com/tonic-guard/tonic-guard/discussions), bugs to the
//! [issues](https://github.com/tonic-guard/tonic-guard/issues).
//!
#![cfg_attr(feature = "server", doc = "[`GuardedRoutes`]: crate::GuardedRoutes")]
#![cfg_attr(not(feature = "server"), doc = "[`GuardedRoutes`]: #features")]
#![cfg_attr(feature = "jwt", doc = "[`JwtVerifier`]: crate::jwt::JwtVerifier")]
#![cfg_attr(not(feature = "jwt"), doc = "[`JwtVerifier`]: #features")]
#![cfg_attr(feature = "jwks", doc = "[`RemoteKeys`]: crate::jwt::RemoteKeys")]
#![cfg_attr(not(feature = "jwks"), doc = "[`RemoteKeys`]: #features")]
#![cfg_attr(
    feature = "introspection",
    doc = "[`IntrospectionVerifier`]: crate::introspection::IntrospectionVerifier"
)]
#![cfg_attr(not(feature = "introspection"), doc = "[`IntrospectionVerifier`]: #features")]
#![cfg_attr(feature = "api-keys", doc = "[`ApiKeys`]: crate::api_keys::ApiKeys")]
#![cfg_attr(feature = "api-keys", doc = "[`StaticToken`]: crate::api_keys::StaticToken")]
#![cfg_attr(not(feature = "api-keys"), doc = "[`ApiKeys`]: #features")]
#![cfg_attr(not(feature = "api-keys"), doc = "[`StaticToken`]: #features")]
#![cfg_attr(feature = "passwords", doc = "[`Passwords`]: crate::passwords::Passwords")]
#![cfg_attr(not(feature = "passwords"), doc = "[`Passwords`]: #features")]
#![cfg_attr(
    feature = "client-certificate",
    doc = "[`ClientCertificate`]: crate::scheme::ClientCertificate"
)]
#![cfg_attr(feature = "client-certificate", doc = "[`SpiffeIds`]: crate::certificates::SpiffeIds")]
#![cfg_attr(
    feature = "client-certificate",
    doc = "[`CertificateVerifier`]: crate::certificates::CertificateVerifier"
)]
#![cfg_attr(not(feature = "client-certificate"), doc = "[`ClientCertificate`]: #features")]
#![cfg_attr(not(feature = "client-certificate"), doc = "[`SpiffeIds`]: #features")]
#![cfg_attr(not(feature = "client-certificate"), doc = "[`CertificateVerifier`]: #features")]
#![cfg_attr(feature = "client", doc = "[`CallCredentials`]: crate::client::CallCredentials")]
#![cfg_attr(not(feature = "client"), doc = "[`CallCredentials`]: #features")]
#![cfg_attr(feature = "client-oauth", doc = "[`oauth`]: crate::client::oauth")]
#![cfg_attr(not(feature = "client-oauth"), doc = "[`oauth`]: #features")]

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

pub use tonic_guard_macros::{Authenticate, anonymous, authenticated, denied, synchronous};

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
    authenticate::{
        Authenticate, Authenticated, BoxAuthenticator, DEFAULT_DEADLINE, IdKind, IdentityId,
        Immediate, Lifetime,
    },
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
