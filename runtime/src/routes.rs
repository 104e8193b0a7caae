//! A server that is closed by default.

use std::convert::Infallible;

use tonic::{
    body::Body,
    server::NamedService,
    service::{Routes, RoutesBuilder},
};
use tower_service::Service;

use crate::{
    guard::Guard,
    policy::{Kind, PolicyTable, ServicePolicy},
};

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
    /// [`guard`](crate::guard()).
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
        self.policy.extend([service.policy()]);
        self.routes.add_service(service);
        self
    }

    /// Adds a service that everyone may call, and says why.
    ///
    /// # Panics
    /// When the reason is blank.
    #[must_use]
    pub fn open<S>(mut self, service: S, reason: &'static str) -> Self
    where
        S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        assert!(!reason.trim().is_empty(), "say why `{}` is open to everyone", S::NAME);
        self.policy.extend([ServicePolicy { service: S::NAME, kind: Kind::Open { reason } }]);
        self.routes.add_service(service);
        self
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
