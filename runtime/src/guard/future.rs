//! The future of a call through a guard.

use std::{
    fmt, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, request::Parts};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{
    decider::{Decision, DecisionFuture},
    drain::drain,
    trailers::GuardedBody,
};
use crate::policy::MethodPolicy;

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

pin_project! {
    /// The response future of a [`Guard`](crate::Guard): the response of its server, or a rejection.
    pub struct GuardFuture<S, B, F> {
        #[pin]
        stage: Stage<S, B, F>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<S, B, F> {
        Deciding { decision: DecisionFuture, pending: Option<PendingCall<S, B>> },
        Serving { #[pin] serving: F },
        Rejected { head: HeaderMap, draining: Option<Pin<Box<dyn Future<Output = ()> + Send>>> },
    }
}

/// The parts of a call that aren't needed for its decision.
struct PendingCall<S, B> {
    method: &'static MethodPolicy,
    server: S,
    body: B,
}

impl<S, B, F> GuardFuture<S, B, F>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    #[inline]
    pub(super) fn deciding(
        decision: DecisionFuture,
        method: &'static MethodPolicy,
        server: S,
        body: B,
    ) -> Self {
        let pending = Some(PendingCall { method, server, body });
        GuardFuture { stage: Stage::Deciding { decision, pending } }
    }

    #[inline]
    pub(super) fn rejected(head: HeaderMap, parts: &Parts, body: B) -> Self {
        GuardFuture { stage: Stage::rejected(head, parts, body) }
    }
}

impl<S, B, F> Stage<S, B, F>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    fn rejected(head: HeaderMap, parts: &Parts, body: B) -> Self {
        Stage::Rejected { head, draining: drain(parts, body) }
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
        let mut stage = self.project().stage;
        loop {
            let next = match stage.as_mut().project() {
                StageProjection::Deciding { decision, pending } => {
                    let Decision { decider, mut parts, outcome } =
                        ready!(decision.as_mut().poll(cx));
                    // `None` is unreachable: the next stage replaces this one in the same poll.
                    let Some(pending) = pending.take() else { return Poll::Pending };
                    let PendingCall { method, mut server, body } = pending;
                    match outcome {
                        Ok(handoff) => {
                            decider.state().set_handoff(&mut parts, handoff);
                            let request = Request::from_parts(parts, GuardedBody::new(body));
                            Stage::Serving { serving: server.call(request) }
                        }
                        Err(rejection) => {
                            let describe = || decider.describe(method.key);
                            let head = decider.state().response_head(rejection, method, describe);
                            Stage::rejected(head, &parts, body)
                        }
                    }
                }
                StageProjection::Serving { serving } => {
                    let response = ready!(serving.poll(cx));
                    return Poll::Ready(
                        response.map(|response| response.map(tonic::body::Body::new)),
                    );
                }
                StageProjection::Rejected { head, draining } => {
                    if let Some(draining) = draining {
                        ready!(draining.as_mut().poll(cx));
                    }
                    let mut response = Response::new(tonic::body::Body::empty());
                    *response.headers_mut() = mem::take(head);
                    return Poll::Ready(Ok(response));
                }
            };
            stage.set(next);
        }
    }
}

impl<S, B, F> fmt::Debug for GuardFuture<S, B, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuardFuture")
    }
}
