#![forbid(unsafe_code)]

//! The attributes of [`tonic-guard`](https://docs.rs/tonic-guard). Use them through that crate: what
//! they generate calls it, and the two are released together.
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
//! // Refused: the call carries no credentials.
//! let refused = MyGreeter.greet(Request::new(())).await.unwrap_err();
//! assert_eq!(refused.code(), Code::Unauthenticated);
//!
//! // Let in.
//! let mut request = Request::new(());
//! request.metadata_mut().insert("authorization", "Bearer s3cret".parse().unwrap());
//! assert!(MyGreeter.greet(request).await.is_ok());
//! # }
//! ```
//!
//! # The steps
//!
//! Arguments are read (`args`, `groups`, `scheme`, `word`), the item is recognised (`method`), both become a validated
//! model (`policy`, `service`, `rules`), and the model becomes tokens (`method_door`, `front_door`). Every
//! mistake on the way is collected and told at once (`errors`); then the item is left behind as one
//! that type-checks and reaches none of the user's code (`fallback`).

mod expand;
mod model;
mod parse;
mod recover;
mod syntax;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Says who may call a method, or the methods of a service.
///
/// On the impl of a service's trait it holds for every method that carries no attribute itself, and
/// lets [`guard`](https://docs.rs/tonic-guard/latest/tonic_guard/fn.guard.html) find the policies. No
/// method is open by omission there. Write it above `#[tonic::async_trait]`.
///
/// A method that another attribute's macro adds to the impl is seen by neither: the front door answers it
/// with UNIMPLEMENTED, and where no `guard` is mounted it is open.
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
/// // Refused: no credentials.
/// let refused = orders.cancel(Request::new(7)).await.unwrap_err();
/// assert_eq!(refused.code(), tonic::Code::Unauthenticated);
///
/// // Let in.
/// let mut request = Request::new(7);
/// request.metadata_mut().insert("authorization", "Bearer t".parse().unwrap());
/// assert!(orders.cancel(request).await.is_ok());
/// # }
/// ```
///
/// On a single method of an otherwise plain impl it works too, with nothing else mounted. Then a
/// sibling that says nothing is open.
///
/// # Arguments
///
/// ```text
/// #[authenticated(ARG, ..)]   on a method, or on an impl block as the default of its methods
/// #[authenticated]            on an impl block: no default, every method must say for itself
///
/// ARG    := scheme = SCHEME | scopes("a", ..) | roles(EXPR, ..)
///         | authorize = PATH | authorize_request = PATH
///         | rpc = "Name" | service = "pkg.Name" | server = PATH | crate = PATH
/// SCHEME := LEAF | one_of(LEAF, ..) | all_of(LEAF, ..) | optional(LEAF or one_of(..))
/// LEAF   := WORD or EXPR, then perhaps: via EXPR
/// WORD   := "bearer" | "basic" | "api-key" | "client-certificate"
/// EXPR   :  a value of any type that implements Scheme
/// ```
///
/// - **`scheme`**: which credentials. `one_of`: the first listed scheme for which the call carries
///   credentials decides; bad ones are refused, never passed over, and two headers with credentials
///   are refused. A client certificate belongs to the connection, so it is listed last and decides only
///   when the call itself carries nothing. `all_of`: every one; the identity is a tuple. `optional`: a call without credentials
///   gets in with `None`; bad ones are refused.
/// - **`via`** names the authenticator of a scheme where the service itself isn't one: a field, a
///   static, a call.
/// - **`scopes`**: all of them. **`roles`**: any of them. They are asked of the identity that the
///   authenticator returns, through `HasScopes` and `HasRoles`; under `all_of` of the first one's. Neither goes
///   with `optional`.
/// - **`authorize`**: your own check, `async fn(&self, &identity, &CallHead<'_>)`, before the message
///   is read. **`authorize_request`**: `async fn(&self, &identity, &Request<..>)`, with the decoded
///   request. Both run after the declared checks and return `Result<(), AuthError>` or
///   `Result<(), Status>`. Their identity is of the type of the `#[identity]` parameter where the method has
///   one, otherwise what the authenticator returns, and under `optional` an `Option` of it. Under `one_of` the
///   parameter is needed.
/// - **`rpc`**: the remote procedure's name, where the function's isn't made of it. **`service`**: the
///   service's full name, where the trait was imported under another. **`server`**: the generated
///   server, where one type implements several services. **`crate`**: where `tonic_guard` is, if not at
///   `::tonic_guard`. The last three stand on the impl.
///
/// # The identity
///
/// `#[identity] name: T` is a parameter that the trait doesn't have. `T` is what the authenticator
/// returns, or a type that implements `From` it, which is how the alternatives of `one_of` meet. Under
/// `optional` it is an `Option`.
///
/// # Nearest wins, whole
///
/// An attribute on a method replaces the impl's default; nothing is merged. A check that the default
/// has (`scopes`, `roles`, `authorize`, `authorize_request`) must be repeated there or dropped by name:
/// `authorize = none`, `scopes(none)`.
///
/// # What it refuses to compile
///
/// A silent method under a bare `#[authenticated]`; a macro among the impl's items, whose methods it
/// can't see; a body that it doesn't recognise; a scheme for which there is no authenticator:
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
///     #[authenticated(scheme = "api-key")] // nothing here checks API keys
///     async fn list(&self, _: Request<()>) -> Result<Response<()>, Status> {
///         Ok(Response::new(()))
///     }
/// #   async fn cancel(&self, _: Request<u64>) -> Result<Response<()>, Status> { Ok(Response::new(())) }
/// #   async fn ingest(&self, _: Request<()>) -> Result<Response<()>, Status> { Ok(Response::new(())) }
/// #   async fn ping(&self, _: Request<()>) -> Result<Response<()>, Status> { Ok(Response::new(())) }
/// }
/// ```
#[proc_macro_attribute]
pub fn authenticated(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::attributes::authenticated(args.into(), item.into()).into()
}

/// Says that everyone may call a method, and why: `#[anonymous(reason = "liveness probe")]`.
///
/// The reason is required, and shows in the policy table. It stands on a method of an impl with
/// [`#[authenticated]`](macro@authenticated), and replaces the impl's default. That attribute reads it,
/// so it needs no import there.
#[proc_macro_attribute]
pub fn anonymous(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::attributes::anonymous(args.into(), item.into()).into()
}

/// Makes a service the authenticator of the schemes that its fields verify.
///
/// Each field that verifies says for which scheme: `#[verifies("bearer")]`, with a scheme's word, or
/// `#[verifies(MyScheme)]` with its type. Two fields can't verify one scheme: name one of them where it
/// is meant, `scheme = .. via self.field`.
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
/// What a field verifies shows in what the struct authenticates: the field's type is as visible as the
/// struct's. Where it can't be, implement `Authenticate` by hand and name the identity there.
///
/// Where `tonic_guard` isn't at `::tonic_guard`, the struct says `#[verifies(crate = path)]`.
#[proc_macro_derive(Authenticate, attributes(verifies))]
pub fn derive_authenticate(item: TokenStream) -> TokenStream {
    expand::derive::expand(item.into()).into()
}
