//! The guard as a tower service, and the functions that create it.

use std::{
    fmt, mem,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tonic::server::NamedService;
use tower_service::Service;

use super::{
    decider::decider,
    future::{BoxError, GuardFuture, PendingCall},
    guarded::Guarded,
    handoff::ServiceId,
    state::{Entry, GuardState},
    trailers::GuardedBody,
};
use crate::policy::{ServiceAccess, ServicePolicy};

/// A generated server behind a guard, which [`guard`] creates.
///
/// It is a tower service with the name of the server, so it replaces the server in
/// `Server::builder().add_service(..)`, `Routes` and `GuardedRoutes`.
pub struct Guard<S> {
    server: S,
    state: Arc<GuardState>,
}

/// Guards the server that `make_server` creates for `service`.
///
/// `make_server` is `from_arc` of the generated server, or a closure that calls it. The guard and the handler
/// checks must share one instance of the service, so `new` of the generated server doesn't fit.
///
/// # The decision
/// A guard decides on the head of a call, before a byte of the message is read. It answers UNIMPLEMENTED to
/// a method that the impl doesn't have, and to a request that isn't a gRPC call (POST with the content type
/// `application/grpc`). It drops the trailers of a request.
///
/// # Layers
/// The following go around the guard: layers that answer instead of the service, such as CORS, and
/// interceptors that insert an extension for [`FromExtensions`](crate::scheme::FromExtensions). With
/// `GuardedRoutes`, add them by `guarded_behind`.
///
/// What `make_server` adds to the server goes inside the guard and sees only admitted calls. It may be a
/// service that wraps yours: `|orders| OrdersServer::new(Cached(orders))`. A response that the wrapper
/// produces itself has passed the guard only: `authorize_request`, which needs the message, runs in the
/// handler check. A handler that the wrapper calls accepts the handoff of the guard only for the method of
/// the call; otherwise the handler check evaluates the policy itself.
///
/// # Readiness
/// A guard is always ready. It acquires the readiness of the inner service when a call is admitted, in the
/// future of that call, and never for a call that it rejects: callers who aren't admitted take no permit of a
/// `ConcurrencyLimit` or a rate limit inside the guard. An admitted call waits there until the inner service is
/// ready. Its cancellation ends the wait, and an error of the inner service ends the call. A layer that has to
/// see the backpressure of the inner service, such as `LoadShed`, goes inside the guard.
///
/// # One type with several services
/// Write the attribute on the impl of each service, and name its server:
/// `server = orders_server::OrdersServer`. Without it, the compiler can't infer the type of the server here
/// (E0283). `make_server` must then return the generated server itself, so layers go around the guard.
///
/// # Events
/// Each decision of a guard or a handler check is a `tracing` event with the target `tonic_guard` and the
/// fields `service`, `method`, `scheme`, `outcome`, `reason` and `cause`, as far as they are known. It never
/// contains credentials.
///
/// | `outcome` | level | meaning |
/// | --- | --- | --- |
/// | `admitted` | DEBUG | the credentials of the call passed all checks |
/// | `bypassed` | DEBUG | [`Authenticate::bypass`](crate::Authenticate::bypass) supplied the identity |
/// | `called in process` | DEBUG | [`in_process::call_as`](crate::in_process::call_as) supplied the identity |
/// | `anonymous` | DEBUG | the call has no credentials, and the policy is `optional` |
/// | `rejected` | INFO | the call is rejected; `reason` is that of its `ErrorInfo` |
/// | `rejected` | ERROR | the same, for the codes UNAVAILABLE and INTERNAL |
/// | `rejected` | DEBUG | the reason UNIMPLEMENTED: the request isn't a gRPC call, or its method doesn't exist |
///
/// # Examples
/// ```
/// # mod probe { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doctests/probe.rs")); }
/// # use probe::*;
/// use tonic_guard::guard;
///
/// let service = guard(Probe, HealthServer::from_arc);
/// // The settings of the server go inside.
/// let service = guard(Probe, |probe| HealthServer::from_arc(probe).max_decoding_message_size(1024));
/// ```
///
/// A service without `#[authenticated]` has no guard:
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
/// Panics at start, and never on a call:
/// - when the server is generated from another trait than the one with the attribute, even if that trait has
///   the same name in another package;
/// - when an expression of a policy panics that creates a scheme;
/// - when `one_of` lists a scheme of the connection before a scheme of the call.
pub fn guard<T, S, M>(service: T, make_server: impl FnOnce(Arc<T>) -> S) -> Guard<S>
where
    T: Guarded<M, S> + 'static,
    S: NamedService + 'static,
    M: 'static,
{
    guard_arc(Arc::new(service), make_server)
}

/// Guards a service that is already in an [`Arc`]. Otherwise it is [`guard`].
///
/// # Panics
/// Panics as [`guard`] does.
pub fn guard_arc<T, S, M>(service: Arc<T>, make_server: impl FnOnce(Arc<T>) -> S) -> Guard<S>
where
    T: Guarded<M, S> + 'static,
    S: NamedService + 'static,
    M: 'static,
{
    T::BINDING.check::<S>(T::method_type_name());
    let (id, methods) = (ServiceId::of(&*service), T::BINDING.methods);
    let state = GuardState::new(S::NAME, id, methods, decider::<T, M, S>(Arc::clone(&service)));
    Guard { server: make_server(service), state: Arc::new(state) }
}

/// Returns the policy of a service without an instance of it, for a test or a build step.
///
/// ```
/// # mod probe { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doctests/probe.rs")); }
/// # use probe::*;
/// use tonic_guard::policy_of;
///
/// let policy = policy_of(HealthServer::<Probe>::from_arc);
/// assert_eq!(policy.service(), "grpc.health.v1.Health");
/// assert!(policy.to_string().contains("grpc.health.v1.Health/Watch  authenticated  bearer"));
/// ```
///
/// # Panics
/// Panics when the server is generated from another trait than the one with the attribute.
pub fn policy_of<T, S, M>(make_server: impl FnOnce(Arc<T>) -> S) -> ServicePolicy
where
    T: Guarded<M, S>,
    S: NamedService,
{
    // Only its type is needed.
    drop(make_server);
    T::BINDING.check::<S>(T::method_type_name());
    let access = ServiceAccess::Guarded { methods: T::BINDING.methods, bypassed: Vec::new() };
    ServicePolicy { service: S::NAME, access }
}

impl<S> Guard<S> {
    /// Sets the `ErrorInfo` domain of rejections, such as `orders.example.com`. The default is `tonic-guard`.
    ///
    /// # Panics
    /// Panics when the domain is empty, or contains anything but letters, digits, `-`, `.` and `_`.
    #[must_use]
    pub fn error_domain(mut self, domain: &'static str) -> Self {
        let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        assert!(
            !domain.is_empty() && domain.bytes().all(is_valid),
            "expected an error domain of letters, digits, `-`, `.` and `_`, such as \"orders.example.com\"",
        );
        self.state = Arc::new(self.state.with_domain(domain));
        self
    }

    /// Returns who may call which method.
    pub fn policy(&self) -> ServicePolicy {
        self.state.policy()
    }

    /// Returns this guard and a function that reports whether the guard or a clone of it still exists.
    #[cfg(feature = "server")]
    pub(super) fn tracked(mut self) -> (Self, impl Fn() -> bool + use<S>) {
        // Clones that already exist share the former state and don't count.
        self.state = Arc::new(self.state.with_domain(self.state.error_domain()));
        let state = Arc::downgrade(&self.state);
        (self, move || state.strong_count() > 0)
    }
}

impl<S, B, R> Service<Request<B>> for Guard<S>
where
    S: Service<Request<GuardedBody<B>>, Response = Response<R>> + Clone,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    R: Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<tonic::body::Body>;
    type Error = S::Error;
    type Future = GuardFuture<S, B, S::Future, S::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        // The server's readiness is acquired for admitted calls alone.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        match self.state.enter(&mut parts) {
            Entry::Admitted => self.serve(Request::from_parts(parts, GuardedBody::new(body))),
            Entry::Rejected(head) => GuardFuture::rejected(head, &parts, body),
            Entry::Waiting(method, pending) => {
                let decision = self.state.resume(parts, method, pending);
                let (guard, server) = (Arc::clone(&self.state), self.server.clone());
                GuardFuture::deciding(decision, PendingCall { guard, method, server, body })
            }
        }
    }
}

impl<S> Guard<S> {
    /// Serves an admitted call.
    #[inline]
    fn serve<B>(
        &mut self,
        request: Request<GuardedBody<B>>,
    ) -> GuardFuture<S, B, S::Future, S::Error>
    where
        S: Service<Request<GuardedBody<B>>> + Clone,
        B: Body<Data = Bytes> + Send + Unpin + 'static,
    {
        // The generated server is always ready. A server that isn't waits in the future of the call, which polls
        // it with the waker of its task.
        match self.server.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => GuardFuture::serving(self.server.call(request)),
            Poll::Ready(Err(error)) => GuardFuture::failed(error),
            Poll::Pending => {
                // The server that was polled is the one to wait for. Its clone serves the next call.
                let clone = self.server.clone();
                GuardFuture::acquiring(mem::replace(&mut self.server, clone), request)
            }
        }
    }
}

impl<S: NamedService> NamedService for Guard<S> {
    const NAME: &'static str = S::NAME;
}

impl<S: Clone> Clone for Guard<S> {
    fn clone(&self) -> Self {
        Guard { server: self.server.clone(), state: Arc::clone(&self.state) }
    }
}

impl<S> fmt::Debug for Guard<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("service", &self.state.service()).finish_non_exhaustive()
    }
}
