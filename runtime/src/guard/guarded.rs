//! What `#[authenticated]` implements for a service.

use tower_service::Service;

use super::{policy_visitor::PolicyVisitor, server_binding::ServerBinding, trailers::GuardedBody};

/// A service whose methods have policies. `#[authenticated]` on the impl of the service's trait implements it.
///
/// `Marker` distinguishes the impls of one type, and `S` is the generated server. The compiler infers both.
#[diagnostic::on_unimplemented(
    message = "the methods of `{Self}` don't declare who may call them",
    label = "missing `#[authenticated(..)]` on the impl of the service's trait",
    note = "write `#[authenticated(scheme = ..)]` on the impl of the service's trait, above `#[tonic::async_trait]`",
    note = "if the service is already in an `Arc`, call `guard_arc`"
)]
pub trait Guarded<Marker, S>: Send + Sync + Sized {
    #[doc(hidden)]
    const BINDING: ServerBinding;

    /// The compiler's name of a method of the trait, if there is a method whose name it can print.
    #[doc(hidden)]
    fn method_type_name() -> Option<&'static str>;

    /// Passes the policy of the method with the key `method` to `visitor`.
    #[doc(hidden)]
    fn visit<'s, V: PolicyVisitor<'s>>(&'s self, method: u32, visitor: V) -> V::Output;
}

/// A server that a guard can wrap: a tower service that accepts the requests of a guard.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "expected the generated server of the guarded service, found `{Self}`",
    label = "`guard` wraps this service in an `Arc`",
    note = "pass `from_arc` of the generated server, such as `OrdersServer::from_arc`, instead of `new`"
)]
pub trait GuardableServer {}

#[diagnostic::do_not_recommend]
impl<S: Service<http::Request<GuardedBody<tonic::body::Body>>>> GuardableServer for S {}
