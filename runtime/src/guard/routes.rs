//! A server that is closed by default.

use std::{convert::Infallible, error::Error};

use bytes::Bytes;
use tonic::{
    body::Body,
    server::NamedService,
    service::{Routes, RoutesBuilder},
};
use tower_service::Service;

use crate::{
    guard::Guard,
    policy::{PolicyTable, ServiceAccess, ServicePolicy},
};

type BoxError = Box<dyn Error + Send + Sync>;

/// The routes of a server on which every service is guarded, or open with a reason.
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
/// use tonic::transport::Server;
/// use tonic_guard::{GuardedRoutes, guard};
///
/// let routes = GuardedRoutes::new().guarded(guard(Probe, HealthServer::from_arc));
/// println!("{}", routes.policy());
/// let router = Server::builder().add_routes(routes.into());
/// ```
///
/// A generated server as it stands is open, and needs a reason:
///
/// ```compile_fail
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
/// # use tonic_guard::GuardedRoutes;
/// let routes = GuardedRoutes::new().guarded(HealthServer::new(Probe));
/// ```
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
/// # use tonic_guard::GuardedRoutes;
/// let routes = GuardedRoutes::new().open(HealthServer::new(Probe), "load balancers have no credentials");
/// ```
#[derive(Debug, Default)]
pub struct GuardedRoutes {
    routes: RoutesBuilder,
    policy: PolicyTable,
}

impl GuardedRoutes {
    /// No services yet.
    pub fn new() -> Self {
        GuardedRoutes::default()
    }

    /// Adds a guarded service. A generated server as it stands doesn't fit here: see
    /// [`guard`](crate::guard()). Nor does a guard with a layer around it: see
    /// [`guarded_behind`](GuardedRoutes::guarded_behind).
    ///
    /// # Panics
    /// When a service of that name was added already.
    #[must_use]
    pub fn guarded<S>(mut self, service: Guard<S>) -> Self
    where
        S: NamedService,
        Guard<S>: Service<
                http::Request<Body>,
                Response = http::Response<Body>,
                Error = Infallible,
                Future: Send + 'static,
            > + Clone
            + Send
            + Sync
            + 'static,
    {
        self.list(service.policy());
        self.routes.add_service(service);
        self
    }

    /// Adds a guarded service that stands behind a layer or an interceptor of its own. `behind` puts that
    /// around the guard.
    ///
    /// What stands there sees calls that nobody has checked yet. It may put something into the extensions
    /// for [`FromExtensions`](crate::scheme::FromExtensions), and what it answers itself is open to everyone.
    /// The table shows the guarded service's policy.
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
    /// #     async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
    /// #         Ok(Response::new(HealthCheckResponse::default()))
    /// #     }
    /// #     type WatchStream = Changes;
    /// #     async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Changes>, Status> {
    /// #         Ok(Response::new(tokio_stream::empty()))
    /// #     }
    /// # }
    /// # use tonic_guard::{GuardedRoutes, guard};
    /// use tonic::service::{LayerExt, interceptor::InterceptorLayer};
    ///
    /// let regional = InterceptorLayer::new(|call: Request<()>| match call.metadata().get("x-region") {
    ///     Some(_) => Ok(call),
    ///     None => Err(Status::invalid_argument("say which region")),
    /// });
    /// let routes = GuardedRoutes::new()
    ///     .guarded_behind(guard(Probe, HealthServer::from_arc), |guard| regional.named_layer(guard));
    /// assert!(routes.policy().to_string().contains("grpc.health.v1.Health/Check  authenticated  bearer"));
    /// ```
    ///
    /// A server without a guard doesn't come in this way either:
    ///
    /// ```should_panic
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
    /// #     async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
    /// #         Ok(Response::new(HealthCheckResponse::default()))
    /// #     }
    /// #     type WatchStream = Changes;
    /// #     async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Changes>, Status> {
    /// #         Ok(Response::new(tokio_stream::empty()))
    /// #     }
    /// # }
    /// # use tonic_guard::{GuardedRoutes, guard};
    /// let routes = GuardedRoutes::new()
    ///     .guarded_behind(guard(Probe, HealthServer::from_arc), |_| HealthServer::new(Probe));
    /// ```
    ///
    /// # Panics
    /// When `behind` drops the guard, or gives a service of another name, or when one of that name was added
    /// already.
    #[must_use]
    pub fn guarded_behind<S, L, B>(
        mut self,
        service: Guard<S>,
        behind: impl FnOnce(Guard<S>) -> L,
    ) -> Self
    where
        S: NamedService,
        L: Service<http::Request<Body>, Response = http::Response<B>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        L::Future: Send + 'static,
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        self.list(service.policy());
        let (service, stands) = service.watched();
        let layered = behind(service);
        assert!(
            stands(),
            "`{}` must stand behind what is made for `guarded_behind`, and its guard was dropped",
            S::NAME
        );
        assert_eq!(L::NAME, S::NAME, "what stands before a service has its name");
        self.routes.add_service(layered);
        self
    }

    /// Adds a service that everyone may call, and says why.
    ///
    /// # Panics
    /// When the reason is blank, or a service of that name was added already.
    #[must_use]
    pub fn open<S, B>(mut self, service: S, reason: &'static str) -> Self
    where
        S: Service<http::Request<Body>, Response = http::Response<B>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        assert!(!reason.trim().is_empty(), "say why `{}` is open to everyone", S::NAME);
        self.list(ServicePolicy { service: S::NAME, access: ServiceAccess::Open { reason } });
        self.routes.add_service(service);
        self
    }

    fn list(&mut self, policy: ServicePolicy) {
        let added = self.policy.services().iter().any(|known| known.service() == policy.service());
        assert!(!added, "`{}` is added twice", policy.service());
        self.policy.extend([policy]);
    }

    /// Who may call what on this server.
    pub fn policy(&self) -> &PolicyTable {
        &self.policy
    }
}

impl From<GuardedRoutes> for Routes {
    fn from(routes: GuardedRoutes) -> Self {
        routes.routes.routes()
    }
}
