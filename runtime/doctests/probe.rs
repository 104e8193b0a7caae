// The guarded service of the doctests. A doctest includes it as a hidden module:
//
//     mod probe { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doctests/probe.rs")); }
//     use probe::*;

pub use tonic::{Request, Response, Status};
pub use tonic_guard::{
    AuthError, Authenticate, Authenticated, authenticated,
    scheme::{Bearer, BearerToken},
};
pub use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse,
    health_server::{Health, HealthServer},
};

/// A health service: everyone may call `Check`, and `Watch` requires a bearer token.
pub struct Probe;

impl Authenticate<Bearer> for Probe {
    type Identity = ();

    async fn authenticate(&self, _: BearerToken) -> Result<Authenticated<()>, AuthError> {
        Ok(().into())
    }
}

pub type Changes = tokio_stream::Empty<Result<HealthCheckResponse, Status>>;

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Health for Probe {
    #[anonymous(reason = "liveness probe")]
    async fn check(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        Ok(Response::new(HealthCheckResponse::default()))
    }

    type WatchStream = Changes;

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Changes>, Status> {
        Ok(Response::new(tokio_stream::empty()))
    }
}
