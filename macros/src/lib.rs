#![forbid(unsafe_code)]

//! The attributes of [`tonic-guard`](https://docs.rs/tonic-guard). Use them through that crate: the
//! generated code calls it, and both crates are released together.
//!
//! ```
//! use tonic::{Code, Request, Response, Status};
//! use tonic_guard::scheme::{Bearer, BearerToken};
//! use tonic_guard::{AuthError, Authenticate, authenticated};
//!
//! # #[tonic::async_trait]
//! # trait Greeter {
//! #     async fn greet(&self, request: Request<()>) -> Result<Response<()>, Status>;
//! # }
//! struct MyGreeter;
//!
//! impl Authenticate<Bearer> for MyGreeter {
//!     type Identity = ();
//!
//!     async fn authenticate(&self, token: BearerToken) -> Result<(), AuthError> {
//!         if token.matches("s3cret") { Ok(()) } else { Err(AuthError::invalid()) }
//!     }
//! }
//!
//! #[authenticated(scheme = "bearer")]
//! #[tonic::async_trait]
//! impl Greeter for MyGreeter {
//!     async fn greet(&self, _: Request<()>) -> Result<Response<()>, Status> {
//!         Ok(Response::new(()))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // Rejected: the call carries no credentials.
//! let rejection = MyGreeter.greet(Request::new(())).await.unwrap_err();
//! assert_eq!(rejection.code(), Code::Unauthenticated);
//!
//! // Admitted.
//! let mut request = Request::new(());
//! request.metadata_mut().insert("authorization", "Bearer s3cret".parse().unwrap());
//! assert!(MyGreeter.greet(request).await.is_ok());
//! # }
//! ```
//!
//! # The pipeline
//!
//! 1. `parse` reads the arguments of an attribute and recognises the item that the attribute is on.
//! 2. `model` turns both into policies, and checks the rules across arguments and across methods.
//! 3. `expand` generates the handler checks and the impl of `Guarded`. Start reading at
//!    `expand/attributes.rs`.
//!
//! `recover` collects the errors of all steps. After an error it emits the item with empty bodies, so
//! that the compiler reports no further errors about it. `syntax` holds helpers for tokens.

mod expand;
mod model;
mod parse;
mod recover;
mod syntax;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Declares which callers may call a method, or all methods of a service.
///
/// On the impl of a service trait, the attribute declares the default policy of the methods without an
/// attribute, and makes the policies available to
/// [`guard`](https://docs.rs/tonic-guard/latest/tonic_guard/fn.guard.html). In such an impl no method is
/// open by omission. Write the attribute above `#[tonic::async_trait]`.
///
/// Each guarded method gets a *handler check* at its top. Behind a guard, the policy is evaluated on the
/// headers, before the message is read, and the handler check accepts the guard's decision. Without a
/// guard, the handler check evaluates the policy itself.
///
/// ```
/// # use tonic::{Request, Response, Status};
/// # use tonic_guard::{AuthError, Authenticate, HasScopes, authenticated, scheme::*};
/// # struct Claims;
/// # impl HasScopes for Claims { fn has_scope(&self, _: &str) -> bool { true } }
/// # struct Partner;
/// # struct Tokens;
/// # impl Authenticate<Bearer> for Tokens {
/// #     type Identity = Claims;
/// #     async fn authenticate(&self, token: BearerToken) -> Result<Claims, AuthError> {
/// #         if token.matches("t") { Ok(Claims) } else { Err(AuthError::invalid()) }
/// #     }
/// # }
/// # struct Keys;
/// # impl Authenticate<ApiKey> for Keys {
/// #     type Identity = Partner;
/// #     async fn authenticate(&self, _: ApiKeyValue) -> Result<Partner, AuthError> { Err(AuthError::invalid()) }
/// # }
/// # #[tonic::async_trait]
/// # trait Orders {
/// #     async fn list(&self, request: Request<()>) -> Result<Response<()>, Status>;
/// #     async fn cancel(&self, request: Request<u64>) -> Result<Response<()>, Status>;
/// #     async fn ingest(&self, request: Request<()>) -> Result<Response<()>, Status>;
/// #     async fn ping(&self, request: Request<()>) -> Result<Response<()>, Status>;
/// # }
/// #[derive(Authenticate)]
/// struct MyOrders {
///     #[verifies("bearer")]
///     tokens: Tokens,
///     #[verifies("api-key")]
///     partners: Keys,
/// }
///
/// impl MyOrders {
///     async fn owns_order(&self, caller: &Claims, request: &Request<u64>) -> Result<(), AuthError> {
///         if *request.get_ref() == 7 { Ok(()) } else { Err(AuthError::denied()) }
///     }
/// }
///
/// #[authenticated(scheme = "bearer")]
/// #[tonic::async_trait]
/// impl Orders for MyOrders {
///     async fn list(&self, _: Request<()>, #[identity] caller: Claims) -> Result<Response<()>, Status> {
///         Ok(Response::new(()))
///     }
///
///     #[authenticated(scheme = "bearer", scopes("orders:write"), authorize_request = Self::owns_order)]
///     async fn cancel(&self, order: Request<u64>) -> Result<Response<()>, Status> {
///         Ok(Response::new(()))
///     }
///
///     #[authenticated(scheme = ApiKey::header("x-ingest-key"))]
///     async fn ingest(&self, _: Request<()>, #[identity] from: Partner) -> Result<Response<()>, Status> {
///         Ok(Response::new(()))
///     }
///
///     #[anonymous(reason = "liveness probe")]
///     async fn ping(&self, _: Request<()>) -> Result<Response<()>, Status> {
///         Ok(Response::new(()))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let orders = MyOrders { tokens: Tokens, partners: Keys };
///
/// let with_token = |order| {
///     let mut request = Request::new(order);
///     request.metadata_mut().insert("authorization", "Bearer t".parse().unwrap());
///     request
/// };
///
/// // Rejected: the call carries no credentials.
/// let rejection = orders.cancel(Request::new(7)).await.unwrap_err();
/// assert_eq!(rejection.code(), tonic::Code::Unauthenticated);
///
/// // Rejected: the order belongs to another caller.
/// let rejection = orders.cancel(with_token(8)).await.unwrap_err();
/// assert_eq!(rejection.code(), tonic::Code::PermissionDenied);
///
/// // Admitted.
/// assert!(orders.cancel(with_token(7)).await.is_ok());
/// # }
/// ```
///
/// The attribute also works on single methods of an impl that has none itself. There, methods without an
/// attribute are open.
///
/// # Arguments
///
/// ```text
/// #[authenticated(ARGUMENT, ..)]   on a method, or on an impl as the default of its methods
/// #[authenticated]                 on an impl without a default: every method has its own attribute
///
/// ARGUMENT := scheme = SCHEME | scopes("a", ..) | roles(EXPR, ..)
///           | authorize = PATH | authorize_request = PATH
///           | rpc = "Name" | service = "pkg.Name" | server = PATH | crate = PATH
/// SCHEME   := SINGLE | one_of(SINGLE, ..) | all_of(SINGLE, ..) | optional(SINGLE) | optional(one_of(SINGLE, ..))
/// SINGLE   := NAME | EXPR | NAME via EXPR | EXPR via EXPR
/// NAME     := "bearer" | "basic" | "api-key" | "client-certificate"
/// EXPR     :  a Rust expression; as a scheme, a value of a type that implements Scheme
/// ```
///
/// Each argument is given at most once. On a method, only `scheme` is required.
///
/// ## `scheme`
///
/// Which credentials a call must carry, and where.
///
/// | scheme | credentials |
/// | --- | --- |
/// | `"bearer"` | a token in the `authorization` header |
/// | `"basic"` | a user name and password in the `authorization` header |
/// | `"api-key"` | a key in the `x-api-key` header |
/// | `"client-certificate"` | the certificate of the TLS connection; requires the feature `client-certificate` |
/// | `ApiKey::header("x-ingest-key")` | a key in the named header |
/// | another value | what its type's `Scheme::extract` returns |
///
/// At most eight schemes are combined:
///
/// - `one_of(..)`: one of the schemes is enough. The first listed scheme for which the call carries
///   credentials decides. If these are invalid, the call is rejected, and no other scheme is tried. A call
///   that carries credentials in two headers is rejected. A client certificate belongs to the connection:
///   it is listed last, and decides only if the call itself carries no credentials.
/// - `all_of(..)`: the call must carry credentials of every scheme. The identity is a tuple.
/// - `optional(..)`: a call without credentials is admitted with the identity `None`. Invalid credentials
///   are rejected. It is allowed on methods only.
///
/// ## `via`
///
/// The authenticator of a scheme: a field, a static or a call, such as `"bearer" via self.tokens`. The
/// default is the service itself, which must then implement `Authenticate` for the scheme.
///
/// ## `scopes` and `roles`
///
/// - `scopes("a", "b")`: the identity must have **all** of the scopes. Its type implements `HasScopes`.
/// - `roles(A, B)`: the identity must have **any** of the roles. Its type implements `HasRoles`.
///
/// With both, the identity needs all of the scopes and any of the roles. Otherwise the call is rejected
/// with `PERMISSION_DENIED`. The identity is the one that the authenticator returns. Under `one_of` the
/// requirements apply to each alternative, under `all_of` only to the identity of the first scheme. Under
/// `optional` they are not allowed.
///
/// ## `authorize` and `authorize_request`
///
/// Custom checks, which run after the scopes and roles. Both name an async function that returns
/// `Result<(), AuthError>` or `Result<(), Status>`; an error rejects the call.
///
/// - `authorize`: `async fn(&self, &Identity, &CallHead<'_>)`. Behind a guard it runs before the message is
///   read.
/// - `authorize_request`: `async fn(&self, &Identity, &Request<..>)`, with the decoded message. It always
///   runs in the handler check.
///
/// The type of the identity is that of the `#[identity]` parameter or, without this parameter, the type
/// that the authenticator returns. Under `optional` it is an `Option`. With several schemes in `one_of`, a
/// custom check requires the parameter.
///
/// ## Names and paths
///
/// | argument | on | meaning | default |
/// | --- | --- | --- | --- |
/// | `rpc` | a method | the name of the RPC in the proto | the function's name in camel case |
/// | `service` | the impl | the full name of the service in the proto | found by the name of the trait |
/// | `server` | the impl | the generated server, if a type implements several services | inferred by `guard` |
/// | `crate` | the impl, or a method of an impl without the attribute | the path of `tonic_guard` | `::tonic_guard` |
///
/// # The identity
///
/// A method may have a parameter `#[identity] name: T`, which its trait doesn't have. `T` is the type that
/// the authenticator returns, or a type that implements `From` for it. Under `one_of`, `T` implements `From`
/// for the identity of each scheme. Under `optional` the parameter is an `Option`, under `all_of` a tuple.
///
/// # A method's attribute replaces the default
///
/// The attribute on a method replaces the impl's default as a whole. Each requirement and custom check of
/// the default (`scopes`, `roles`, `authorize`, `authorize_request`) must be repeated there, or dropped by
/// name: `scopes(none)`, `roles(none)`, `authorize = none`, `authorize_request = none`.
///
/// # Methods that the attribute can't see
///
/// If another attribute adds a method to the impl later, this method has no policy. The guard answers it
/// with `UNIMPLEMENTED`. Without a guard the method is open.
///
/// # Compile errors
///
/// Among others, these are errors:
///
/// - a method without an attribute, if the impl has no default
/// - a macro call among the items of the impl, as the attribute can't see the methods that it generates
/// - a method that is neither an `async fn` nor has the body `Box::pin(async move { .. })`
/// - a scheme without an authenticator:
///
/// ```compile_fail,E0277
/// # use tonic::{Request, Response, Status};
/// # use tonic_guard::{AuthError, Authenticate, HasScopes, authenticated, scheme::*};
/// # struct Claims;
/// # impl HasScopes for Claims { fn has_scope(&self, _: &str) -> bool { true } }
/// # struct Partner;
/// # struct Tokens;
/// # impl Authenticate<Bearer> for Tokens {
/// #     type Identity = Claims;
/// #     async fn authenticate(&self, token: BearerToken) -> Result<Claims, AuthError> {
/// #         if token.matches("t") { Ok(Claims) } else { Err(AuthError::invalid()) }
/// #     }
/// # }
/// # struct Keys;
/// # impl Authenticate<ApiKey> for Keys {
/// #     type Identity = Partner;
/// #     async fn authenticate(&self, _: ApiKeyValue) -> Result<Partner, AuthError> { Err(AuthError::invalid()) }
/// # }
/// # #[tonic::async_trait]
/// # trait Orders {
/// #     async fn list(&self, request: Request<()>) -> Result<Response<()>, Status>;
/// #     async fn cancel(&self, request: Request<u64>) -> Result<Response<()>, Status>;
/// #     async fn ingest(&self, request: Request<()>) -> Result<Response<()>, Status>;
/// #     async fn ping(&self, request: Request<()>) -> Result<Response<()>, Status>;
/// # }
/// struct MyOrders {
///     tokens: Tokens,
/// }
///
/// #[authenticated(scheme = "bearer" via self.tokens)]
/// #[tonic::async_trait]
/// impl Orders for MyOrders {
///     #[authenticated(scheme = "api-key")] // `MyOrders` doesn't authenticate API keys
///     async fn list(&self, _: Request<()>) -> Result<Response<()>, Status> {
///         Ok(Response::new(()))
///     }
/// #   async fn cancel(&self, _: Request<u64>) -> Result<Response<()>, Status> { Ok(Response::new(())) }
/// #   async fn ingest(&self, _: Request<()>) -> Result<Response<()>, Status> { Ok(Response::new(())) }
/// #   async fn ping(&self, _: Request<()>) -> Result<Response<()>, Status> { Ok(Response::new(())) }
/// }
/// ```
#[proc_macro_attribute]
pub fn authenticated(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::attributes::authenticated(arguments.into(), item.into()).into()
}

/// Opens a method to everyone: `#[anonymous(reason = "liveness probe")]`.
///
/// The reason is required, and is shown in the policy table. It is one line of text.
///
/// In an impl with [`#[authenticated]`](macro@authenticated), which reads this attribute, the method gets
/// no handler check, and the attribute needs no import. On a method it replaces the impl's default. Such
/// a method has no `#[identity]` parameter: for callers that may present credentials, write
/// `#[authenticated(scheme = optional(..))]`. In an impl without `#[authenticated]`, this attribute only
/// documents that the method is open.
///
/// ```
/// # use tonic::{Request, Response, Status};
/// # use tonic_guard::{AuthError, Authenticate, authenticated, scheme::{Bearer, BearerToken}};
/// # #[tonic::async_trait]
/// # trait Health {
/// #     async fn check(&self, request: Request<()>) -> Result<Response<()>, Status>;
/// # }
/// # struct MyHealth;
/// # impl Authenticate<Bearer> for MyHealth {
/// #     type Identity = ();
/// #     async fn authenticate(&self, _: BearerToken) -> Result<(), AuthError> { Err(AuthError::invalid()) }
/// # }
/// #[authenticated(scheme = "bearer")]
/// #[tonic::async_trait]
/// impl Health for MyHealth {
///     #[anonymous(reason = "liveness probe")]
///     async fn check(&self, _: Request<()>) -> Result<Response<()>, Status> {
///         Ok(Response::new(()))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert!(MyHealth.check(Request::new(())).await.is_ok());
/// # }
/// ```
#[proc_macro_attribute]
pub fn anonymous(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::attributes::anonymous(arguments.into(), item.into()).into()
}

/// Implements `Authenticate` for a service by forwarding to its fields.
///
/// `#[verifies(..)]` on a field lists the schemes that the field verifies: by name, such as
/// `#[verifies("bearer")]`, or by type, such as `#[verifies(MyScheme)]`. The field's type must implement
/// `Authenticate` for each of them.
///
/// ```
/// # use tonic_guard::{AuthError, Authenticate, scheme::{Bearer, BearerToken}};
/// # struct User;
/// # struct Tokens;
/// # impl Authenticate<Bearer> for Tokens {
/// #     type Identity = User;
/// #     async fn authenticate(&self, _: BearerToken) -> Result<User, AuthError> { Err(AuthError::invalid()) }
/// # }
/// #[derive(Authenticate)]
/// struct Orders {
///     #[verifies("bearer")]
///     tokens: Tokens,
///     limit: u32,
/// }
///
/// fn authenticates(_: impl Authenticate<Bearer, Identity = User>) {}
/// authenticates(Orders { tokens: Tokens, limit: 10 });
/// ```
///
/// Two fields can't verify the same scheme. Leave one of them without `#[verifies(..)]`, and name it in the
/// policy: `scheme = "bearer" via self.field`.
///
/// The field's type must be as visible as the struct, because the derived impl exposes its identity. For a
/// private type, implement `Authenticate` by hand.
///
/// `#[verifies(crate = path)]` on the struct sets the path of `tonic_guard`. The default is `::tonic_guard`.
#[proc_macro_derive(Authenticate, attributes(verifies))]
pub fn derive_authenticate(item: TokenStream) -> TokenStream {
    expand::derive::expand(item.into()).into()
}
