//! A server whose responses the test writes.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use http::HeaderMap;
use tonic::{Status, body::Body, server::NamedService, transport::Server};
use tonic_guard_suite_support::Running;
use tower_service::Service;

use crate::{attempts::Attempts, lock::lock};

/// A server that sends the responses of a list, and then repeats a last one.
#[derive(Clone)]
pub struct Scripted {
    responses: Arc<Mutex<VecDeque<http::Response<Body>>>>,
    last: fn() -> http::Response<Body>,
    attempts: Attempts,
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

impl Scripted {
    /// Starts a server that sends `responses` in order, and then `last` for each further call.
    pub async fn start(
        responses: impl IntoIterator<Item = http::Response<Body>>,
        last: fn() -> http::Response<Body>,
    ) -> (Running, Attempts) {
        let attempts = Attempts::default();
        let responses = Arc::new(Mutex::new(responses.into_iter().collect()));
        let service = Scripted { responses, last, attempts: attempts.clone() };
        (Running::start(Server::builder().add_service(service)).await, attempts)
    }
}

impl NamedService for Scripted {
    const NAME: &'static str = tonic_guard_suite_support::KINDS;
}

impl Service<http::Request<Body>> for Scripted {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        self.attempts.record(request.headers());
        let next = lock(&self.responses).pop_front();
        std::future::ready(Ok(next.unwrap_or_else(self.last)))
    }
}

/// UNAUTHENTICATED in trailers-only form without `ErrorInfo`.
pub fn rejection() -> http::Response<Body> {
    Status::unauthenticated("no").into_http()
}

/// A successful response to a unary call.
pub fn success() -> http::Response<Body> {
    let mut response =
        http::Response::new(Body::new(http_body_util::StreamBody::new(tokio_stream::iter([
            // An empty message: the compression flag and the length, both zero.
            Ok::<_, Status>(http_body::Frame::data(bytes::Bytes::from_static(&[0; 5]))),
            Ok(http_body::Frame::trailers(HeaderMap::from_iter([(
                http::HeaderName::from_static("grpc-status"),
                http::HeaderValue::from_static("0"),
            )]))),
        ]))));
    let grpc = http::HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(http::header::CONTENT_TYPE, grpc);
    response
}
