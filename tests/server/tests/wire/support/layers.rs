//! A service that applies a closure to each request.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::Request;
use tonic::server::NamedService;
use tower_service::Service;

/// The service `S` behind a closure that sees each request.
pub(crate) struct Behind<S, B> {
    service: S,
    act: Arc<Act<B>>,
}

type Act<B> = dyn Fn(&mut Request<B>) + Send + Sync;

/// Puts `act` before `service`.
pub(crate) fn behind<S, B>(
    service: S,
    act: impl Fn(&mut Request<B>) + Send + Sync + 'static,
) -> Behind<S, B> {
    Behind { service, act: Arc::new(act) }
}

impl<S: Clone, B> Clone for Behind<S, B> {
    fn clone(&self) -> Self {
        Behind { service: self.service.clone(), act: Arc::clone(&self.act) }
    }
}

impl<S: NamedService, B> NamedService for Behind<S, B> {
    const NAME: &'static str = S::NAME;
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for Behind<S, B> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        (self.act)(&mut request);
        self.service.call(request)
    }
}
