//! The routes of a server that denies by default.

use std::convert::Infallible;

use bytes::Bytes;
use tonic::{
    body::Body,
    server::NamedService,
    service::{Routes, RoutesBuilder},
};
use tower_service::Service;

use super::{future::BoxError, service::Guard};
use crate::policy::{PolicyTable, ServiceAccess, ServicePolicy};

/// The routes of a server on which every service is either guarded or open with a reason.
///
/// ```
/// # mod probe { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doctests/probe.rs")); }
/// # use probe::*;
/// use tonic::transport::Server;
/// use tonic_guard::{GuardedRoutes, guard};
///
/// let routes = GuardedRoutes::new().guarded(guard(Probe, HealthServer::from_arc));
/// println!("{}", routes.policy());
/// let router = Server::builder().add_routes(routes.into());
/// ```
///
/// A generated server without a guard is open, and needs a reason:
///
/// ```compile_fail,E0308
/// # mod probe { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doctests/probe.rs")); }
/// # use probe::*;
/// # use tonic_guard::GuardedRoutes;
/// let routes = GuardedRoutes::new().guarded(HealthServer::new(Probe));
/// ```
/// ```
/// # mod probe { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doctests/probe.rs")); }
/// # use probe::*;
/// # use tonic_guard::GuardedRoutes;
/// let routes = GuardedRoutes::new().open(HealthServer::new(Probe), "load balancers have no credentials");
/// ```
#[derive(Debug, Default)]
pub struct GuardedRoutes {
    routes: RoutesBuilder,
    policy: PolicyTable,
}

impl GuardedRoutes {
    /// Creates routes without services.
    pub fn new() -> Self {
        GuardedRoutes::default()
    }

    /// Adds a guarded service.
    ///
    /// It accepts neither a generated server without a guard (see [`guard`](crate::guard())) nor a guard
    /// inside a layer (see [`guarded_behind`](GuardedRoutes::guarded_behind)).
    ///
    /// # Panics
    /// Panics when a service of that name is already added.
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
        self.add_policy(service.policy());
        self.routes.add_service(service);
        self
    }

    /// Adds a guarded service inside a layer or an interceptor. `behind` wraps the guard in it.
    ///
    /// The layer sees calls that aren't authenticated. It may insert an extension for
    /// [`FromExtensions`](crate::scheme::FromExtensions). A response that it produces itself is open to every
    /// caller. The policy table contains the policy of the guarded service.
    ///
    /// ```
    /// # mod probe { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doctests/probe.rs")); }
    /// # use probe::*;
    /// # use tonic_guard::{GuardedRoutes, guard};
    /// use tonic::service::{LayerExt, interceptor::InterceptorLayer};
    ///
    /// let regional = InterceptorLayer::new(|call: Request<()>| match call.metadata().get("x-region") {
    ///     Some(_) => Ok(call),
    ///     None => Err(Status::invalid_argument("missing x-region")),
    /// });
    /// let routes = GuardedRoutes::new()
    ///     .guarded_behind(guard(Probe, HealthServer::from_arc), |guard| regional.named_layer(guard));
    /// assert!(routes.policy().to_string().contains("grpc.health.v1.Health/Watch  authenticated  bearer"));
    /// ```
    ///
    /// It doesn't accept a server without a guard:
    ///
    /// ```should_panic
    /// # mod probe { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doctests/probe.rs")); }
    /// # use probe::*;
    /// # use tonic_guard::{GuardedRoutes, guard};
    /// let routes = GuardedRoutes::new()
    ///     .guarded_behind(guard(Probe, HealthServer::from_arc), |_| HealthServer::new(Probe));
    /// ```
    ///
    /// # Panics
    /// Panics when `behind` drops the guard, when it returns a service of another name, and when a service of
    /// that name is already added.
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
        self.add_policy(service.policy());
        let (service, is_alive) = service.tracked();
        let layered = behind(service);
        assert!(
            is_alive(),
            "expected a layer around the guard of `{}` from `guarded_behind`, but its guard was dropped",
            S::NAME
        );
        assert_eq!(L::NAME, S::NAME, "a layer around a service has its name");
        self.routes.add_service(layered);
        self
    }

    /// Adds a service that every caller may call, with the reason for the policy table.
    ///
    /// # Panics
    /// Panics when the reason is blank, and when a service of that name is already added.
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
        assert!(
            !reason.trim().is_empty(),
            "expected the reason for which `{}` is open to every caller",
            S::NAME
        );
        self.add_policy(ServicePolicy { service: S::NAME, access: ServiceAccess::Open { reason } });
        self.routes.add_service(service);
        self
    }

    fn add_policy(&mut self, policy: ServicePolicy) {
        let is_added =
            self.policy.services().iter().any(|other| other.service() == policy.service());
        assert!(!is_added, "`{}` is added twice", policy.service());
        self.policy.extend([policy]);
    }

    /// Returns who may call which method of this server.
    pub fn policy(&self) -> &PolicyTable {
        &self.policy
    }
}

impl From<GuardedRoutes> for Routes {
    fn from(routes: GuardedRoutes) -> Self {
        routes.routes.routes()
    }
}
