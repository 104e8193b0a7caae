//! A server that is closed by default.

use std::convert::Infallible;

use tonic::{
    body::Body,
    server::NamedService,
    service::{Routes, RoutesBuilder},
};
use tower_service::Service;

use crate::{
    guard::{Guard, Guarded},
    policy::{Kind, PolicyTable, ServicePolicy},
};

/// The routes of a server on which every service is guarded, or open with a reason.
///
/// ```ignore
/// let routes = GuardedRoutes::new()
///     .guarded(guard(orders, OrdersServer::from_arc))
///     .open(health_service, "load balancers ask without credentials");
/// println!("{}", routes.policy());
/// Server::builder().add_routes(routes.into()).serve(addr).await?;
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
    pub fn guarded<T, S, M>(mut self, service: Guard<T, S, M>) -> Self
    where
        T: Guarded<M, S> + 'static,
        S: NamedService + Sync,
        M: 'static,
        Guard<T, S, M>: Service<
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
