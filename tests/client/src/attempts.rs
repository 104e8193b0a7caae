//! The attempts that a server received.

use std::{
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use http::HeaderMap;
use tonic::{body::Body, server::NamedService};
use tower_service::Service;

use crate::lock::lock;

/// The headers of the attempts that a server received, in order.
#[derive(Clone, Debug, Default)]
pub struct Attempts(Arc<Mutex<Vec<HeaderMap>>>);

impl Attempts {
    pub(crate) fn record(&self, headers: &HeaderMap) {
        lock(&self.0).push(headers.clone());
    }

    /// The number of attempts.
    pub fn count(&self) -> usize {
        lock(&self.0).len()
    }

    /// The values of a header, one for each attempt with that header.
    pub fn header(&self, name: &str) -> Vec<String> {
        let attempts = lock(&self.0);
        let values = attempts.iter().filter_map(|headers| headers.get(name));
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    }

    /// The `authorization` values of the attempts.
    pub fn tokens(&self) -> Vec<String> {
        self.header("authorization")
    }
}

/// A service that records the attempts before the guard sees them.
#[derive(Clone, Debug)]
pub(crate) struct RecordAttempts<S> {
    pub(crate) inner: S,
    pub(crate) attempts: Attempts,
}

impl<S: NamedService> NamedService for RecordAttempts<S> {
    const NAME: &'static str = S::NAME;
}

impl<S: Service<http::Request<Body>>> Service<http::Request<Body>> for RecordAttempts<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> S::Future {
        self.attempts.record(request.headers());
        self.inner.call(request)
    }
}
