//! The front door: a tower service around the generated server.

mod decide;
mod drain;
pub(crate) mod handoff;
mod path_lookup;
mod rejection_cache;
#[cfg(feature = "server")]
mod routes;
mod sensitive_headers;
mod server_binding;
mod service;
pub(crate) mod stand_in;
mod trailers;

use std::{fmt, sync::Arc};

use tonic::server::NamedService;
use tower_service::Service;

use self::decide::{FrontDoor, front_door};
#[cfg(feature = "server")]
pub use self::routes::GuardedRoutes;
pub use self::trailers::GuardedBody;
pub use self::{
    decide::Visit,
    server_binding::{Named, Wiring},
    service::GuardFuture,
};
use crate::policy::{ServiceAccess, ServicePolicy};

/// What an impl with `#[authenticated]` knows of its own methods.
///
/// The attribute implements it. `Marker` tells the impls of one type apart and `S` is the generated
/// server; both are inferred.
#[diagnostic::on_unimplemented(
    message = "the methods of `{Self}` don't say who may call them",
    label = "no `#[authenticated(..)]` on the service's impl block",
    note = "write `#[authenticated(scheme = ..)]` on the impl of the service's trait, above `#[tonic::async_trait]`",
    note = "a service that is in an `Arc` already goes to `guard_arc`"
)]
pub trait Guarded<Marker, S>: Send + Sync + Sized {
    #[doc(hidden)]
    const WIRING: Wiring;

    /// What the compiler calls a method of the trait that the attribute stands on.
    #[doc(hidden)]
    fn a_method() -> Option<&'static str>;

    #[doc(hidden)]
    fn visit<V: Visit>(&self, method: u32, visitor: V) -> impl Future<Output = V::Output> + Send;
}

/// A server that a guard can stand before. Every one that serves what the guard hands it.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` doesn't serve the guarded service",
    label = "`guard` hands the service over in an `Arc`",
    note = "write the generated server's `from_arc`, such as `OrdersServer::from_arc`, and not `OrdersServer::new`"
)]
pub trait Serves {}

#[diagnostic::do_not_recommend]
impl<S: Service<http::Request<GuardedBody<tonic::body::Body>>>> Serves for S {}

/// A generated server behind its front door.
///
/// Made by [`guard`]. It is a tower service with the server's own name, so it goes wherever the
/// server would: `Server::builder().add_service(..)`, `Routes`, `GuardedRoutes`.
pub struct Guard<S> {
    server: S,
    door: Arc<dyn FrontDoor>,
}

/// Puts a front door before the server that `make_server` makes of `service`.
///
/// `make_server` is the generated server's `from_arc`, or a closure that calls it: both doors must hold
/// the same instance, so `new` doesn't fit.
///
/// Where one type implements several services, the attribute stands on the impl of each and says which
/// server is meant, `server = orders_server::OrdersServer`; without, the compiler can't infer it here
/// (E0283). Layers then go around the guard: the server is that type itself.
///
/// A call is decided on its headers, before a byte of its message is read. A method that the impl
/// doesn't know is answered with UNIMPLEMENTED, and so is whatever isn't gRPC's: POST with the content
/// type `application/grpc`. Trailers of a request are dropped.
///
/// Layers that answer in the service's place, such as CORS, and interceptors that put something
/// into the extensions for [`FromExtensions`](crate::scheme::FromExtensions) stand outside it; among
/// `GuardedRoutes` they go in by `guarded_behind`. What `make_server` puts around the server stands inside: it
/// sees admitted calls alone.
///
/// A service of your own may stand between, `|orders| OrdersServer::new(Cached(orders))`. What it answers
/// itself has passed the front door and nothing else: `authorize_request`, which waits for the message, is
/// asked at the method's door. A method that it calls takes the front door's word only for a call of that
/// method; otherwise it checks for itself.
///
/// ```
/// # use tonic::{Request, Response, Status};
/// # use tonic_guard::{AuthError, Authenticate, authenticated, scheme::*};
/// # use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse, health_server::{Health, HealthServer}};
/// # struct Probe;
/// # impl Authenticate<Bearer> for Probe {
/// #     type Identity = ();
/// #     async fn authenticate(&self, _: BearerToken) -> Result<(), AuthError> { Ok(()) }
/// # }
/// # type Changes = tokio_stream::Empty<Result<HealthCheckResponse, Status>>;
/// # #[authenticated(scheme = "bearer")]
/// # #[tonic::async_trait]
/// # impl Health for Probe {
/// #     #[anonymous(reason = "liveness probe")]
/// #     async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
/// #         Ok(Response::new(HealthCheckResponse::default()))
/// #     }
/// #     type WatchStream = Changes;
/// #     async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Changes>, Status> {
/// #         Ok(Response::new(tokio_stream::empty()))
/// #     }
/// # }
/// use tonic_guard::guard;
///
/// let service = guard(Probe, HealthServer::from_arc);
/// // The server's own settings go inside.
/// let service = guard(Probe, |probe| HealthServer::from_arc(probe).max_decoding_message_size(1024));
/// ```
///
/// A service that doesn't say who may call it has no front door:
///
/// ```compile_fail,E0277
/// # use tonic_guard::guard;
/// # use tonic_health::pb::health_server::HealthServer;
/// struct Unguarded;
///
/// let service = guard(Unguarded, HealthServer::from_arc);
/// ```
///
/// # Panics
/// When the server serves another trait than the one that the attribute stands on, also one of the same
/// name in another package, when a scheme of a policy can't be made, or when `one_of` lists a scheme of the
/// connection before one of the call. All happen at start, not on a call.
pub fn guard<T, S, M>(service: T, make_server: impl FnOnce(Arc<T>) -> S) -> Guard<S>
where
    T: Guarded<M, S> + 'static,
    S: NamedService + 'static,
    M: 'static,
{
    guard_arc(Arc::new(service), make_server)
}

/// As [`guard`], for a service that is shared already.
///
/// # Panics
/// As [`guard`].
pub fn guard_arc<T, S, M>(service: Arc<T>, make_server: impl FnOnce(Arc<T>) -> S) -> Guard<S>
where
    T: Guarded<M, S> + 'static,
    S: NamedService + 'static,
    M: 'static,
{
    server_binding::check::<T, S, M>();
    let door = front_door::<T, M, S>(Arc::clone(&service));
    Guard { server: make_server(service), door }
}

/// The policy of a service without an instance of it, for a test or a build step.
///
/// ```
/// # use tonic::{Request, Response, Status};
/// # use tonic_guard::{AuthError, Authenticate, authenticated, scheme::*};
/// # use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse, health_server::{Health, HealthServer}};
/// # struct Probe;
/// # impl Authenticate<Bearer> for Probe {
/// #     type Identity = ();
/// #     async fn authenticate(&self, _: BearerToken) -> Result<(), AuthError> { Ok(()) }
/// # }
/// # type Changes = tokio_stream::Empty<Result<HealthCheckResponse, Status>>;
/// # #[authenticated(scheme = "bearer")]
/// # #[tonic::async_trait]
/// # impl Health for Probe {
/// #     #[anonymous(reason = "liveness probe")]
/// #     async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
/// #         Ok(Response::new(HealthCheckResponse::default()))
/// #     }
/// #     type WatchStream = Changes;
/// #     async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Changes>, Status> {
/// #         Ok(Response::new(tokio_stream::empty()))
/// #     }
/// # }
/// use tonic_guard::policy_of;
///
/// let policy = policy_of(HealthServer::<Probe>::from_arc);
/// assert_eq!(policy.service(), "grpc.health.v1.Health");
/// assert!(policy.to_string().contains("grpc.health.v1.Health/Watch  authenticated  bearer"));
/// ```
///
/// # Panics
/// When the server serves another trait than the one that the attribute stands on.
pub fn policy_of<T, S, M>(make_server: impl FnOnce(Arc<T>) -> S) -> ServicePolicy
where
    T: Guarded<M, S>,
    S: NamedService,
{
    // Only its type is of interest.
    drop(make_server);
    server_binding::check::<T, S, M>();
    let access = ServiceAccess::Guarded { methods: T::WIRING.methods, bypassed: Vec::new() };
    ServicePolicy { service: S::NAME, access }
}

impl<S> Guard<S> {
    /// Sets the `ErrorInfo` domain of refusals, such as `orders.example.com`.
    ///
    /// # Panics
    /// When it holds anything but letters, digits, `-`, `.` and `_`.
    #[must_use]
    pub fn error_domain(mut self, domain: &'static str) -> Self {
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        assert!(
            !domain.is_empty() && domain.bytes().all(valid),
            "an error domain is made of letters, digits, `-`, `.` and `_`, such as \"orders.example.com\"",
        );
        self.door = self.door.with_domain(domain);
        self
    }

    /// Who may call what.
    pub fn policy(&self) -> ServicePolicy {
        self.door.front().policy()
    }

    /// This guard with a door of its own, and what tells whether that door still stands somewhere. A clone that
    /// was made before has another.
    #[cfg(feature = "server")]
    pub(crate) fn watched(mut self) -> (Self, impl Fn() -> bool + use<S>) {
        self.door = self.door.with_domain(self.door.front().domain());
        let door = Arc::downgrade(&self.door);
        (self, move || door.strong_count() > 0)
    }
}

impl<S: NamedService> NamedService for Guard<S> {
    const NAME: &'static str = S::NAME;
}

impl<S: Clone> Clone for Guard<S> {
    fn clone(&self) -> Self {
        Guard { server: self.server.clone(), door: Arc::clone(&self.door) }
    }
}

impl<S> fmt::Debug for Guard<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("service", &self.door.front().name()).finish_non_exhaustive()
    }
}
