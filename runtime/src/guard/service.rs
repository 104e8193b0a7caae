//! The course of a call through the front door.

use std::{
    fmt, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, request::Parts};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{
    Guard, GuardedBody,
    decide::{Decided, Decision},
    drain::drain,
};
use crate::policy::MethodPolicy;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl<S, B, R> Service<Request<B>> for Guard<S>
where
    S: Service<Request<GuardedBody<B>>, Response = Response<R>> + Clone,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    R: Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<tonic::body::Body>;
    type Error = S::Error;
    type Future = GuardFuture<S, B, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.server.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let state = match self.door.front().method(&mut parts) {
            Err(head) => State::refused(head, &parts, body),
            Ok(method) => {
                // The server that was polled ready is the one to call; its clone may not be ready.
                let clone = self.server.clone();
                let server = mem::replace(&mut self.server, clone);
                let decision = Arc::clone(&self.door).decide(parts, method);
                State::Deciding { decision, held: Some(Held { method, server, body }) }
            }
        };
        GuardFuture { state }
    }
}

pin_project! {
    /// The answer of a [`Guard`]: its server's, or a refusal.
    pub struct GuardFuture<S, B, F> {
        #[pin]
        state: State<S, B, F>,
    }
}

pin_project! {
    #[project = Step]
    enum State<S, B, F> {
        Deciding { decision: Decision, held: Option<Held<S, B>> },
        Serving { #[pin] serving: F },
        Refused { head: HeaderMap, draining: Option<Pin<Box<dyn Future<Output = ()> + Send>>> },
    }
}

/// What is kept of a call until it is decided.
struct Held<S, B> {
    method: &'static MethodPolicy,
    server: S,
    body: B,
}

impl<S, B, F> State<S, B, F>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    fn refused(head: HeaderMap, parts: &Parts, body: B) -> Self {
        State::Refused { head, draining: drain(parts, body) }
    }
}

impl<S, B, R> Future for GuardFuture<S, B, S::Future>
where
    S: Service<Request<GuardedBody<B>>, Response = Response<R>>,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    R: Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Output = Result<Response<tonic::body::Body>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                Step::Deciding { decision, held } => {
                    let Decided { door, mut parts, outcome } = ready!(decision.as_mut().poll(cx));
                    // It is there until the call is decided.
                    let Some(held) = held.take() else { return Poll::Pending };
                    let Held { method, mut server, body } = held;
                    match outcome {
                        Ok(proof) => {
                            door.front().admit(&mut parts, proof);
                            let request = Request::from_parts(parts, GuardedBody::new(body));
                            State::Serving { serving: server.call(request) }
                        }
                        Err(refusal) => {
                            let facts = || door.facts(method.key);
                            let head = door.front().refuse(refusal, method, &parts, facts);
                            State::refused(head, &parts, body)
                        }
                    }
                }
                Step::Serving { serving } => {
                    let answer = ready!(serving.poll(cx));
                    return Poll::Ready(
                        answer.map(|response| response.map(tonic::body::Body::new)),
                    );
                }
                Step::Refused { head, draining } => {
                    if let Some(draining) = draining {
                        ready!(draining.as_mut().poll(cx));
                    }
                    let mut response = Response::new(tonic::body::Body::empty());
                    *response.headers_mut() = mem::take(head);
                    return Poll::Ready(Ok(response));
                }
            };
            state.set(next);
        }
    }
}

impl<S, B, F> fmt::Debug for GuardFuture<S, B, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuardFuture")
    }
}
