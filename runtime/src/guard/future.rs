//! The future of a call through a guard.

use std::{
    any::Any,
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

use super::{decider::DecisionFuture, drain::drain, state::GuardState, trailers::GuardedBody};
use crate::policy::MethodPolicy;

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

pin_project! {
    /// The response future of a [`Guard`](crate::Guard): the response of its server, or a rejection.
    pub struct GuardFuture<S, B, F, E> {
        #[pin]
        stage: Stage<S, B, F, E>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<S, B, F, E> {
        Deciding { decision: DecisionFuture, pending: Option<PendingCall<S, B>> },
        /// Admitted: waits until the server is ready.
        Acquiring { admitted: Option<AdmittedCall<S, B>> },
        Serving { #[pin] serving: F },
        Rejected { head: HeaderMap, draining: Option<Pin<Box<dyn Future<Output = ()> + Send>>> },
        /// Admitted, and the server has failed to become ready.
        Failed { error: Option<E> },
    }
}

/// An admitted call and its server. It is boxed, so that the future of other calls stays small.
type AdmittedCall<S, B> = Box<(S, Request<GuardedBody<B>>)>;

/// The parts of a call that aren't needed for its decision.
pub(super) struct PendingCall<S, B> {
    pub(super) guard: Arc<GuardState>,
    pub(super) method: &'static MethodPolicy,
    pub(super) server: S,
    pub(super) body: B,
}

impl<S, B, F, E> GuardFuture<S, B, F, E>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    #[inline]
    pub(super) fn deciding(decision: DecisionFuture, pending: PendingCall<S, B>) -> Self {
        GuardFuture { stage: Stage::Deciding { decision, pending: Some(pending) } }
    }

    /// Serves an admitted call with a server that isn't ready yet.
    #[inline]
    pub(super) fn acquiring(server: S, request: Request<GuardedBody<B>>) -> Self {
        GuardFuture { stage: Stage::Acquiring { admitted: Some(Box::new((server, request))) } }
    }

    #[inline]
    pub(super) fn serving(serving: F) -> Self {
        GuardFuture { stage: Stage::Serving { serving } }
    }

    #[inline]
    pub(super) fn rejected(head: HeaderMap, parts: &Parts, body: B) -> Self {
        GuardFuture { stage: Stage::rejected(head, parts, body) }
    }

    #[inline]
    pub(super) fn failed(error: E) -> Self {
        GuardFuture { stage: Stage::Failed { error: Some(error) } }
    }
}

impl<S, B, F, E> Stage<S, B, F, E>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    fn rejected(head: HeaderMap, parts: &Parts, body: B) -> Self {
        Stage::Rejected { head, draining: drain(parts, body) }
    }
}

impl<S, B, R> Future for GuardFuture<S, B, S::Future, S::Error>
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
                StageProjection::Serving { serving } => {
                    return Poll::Ready(ready!(serving.poll(cx)).map(with_tonic_body));
                }
                StageProjection::Deciding { decision, pending } => {
                    let (mut parts, decision) = ready!(decision.as_mut().poll(cx));
                    // `None` is unreachable: the next stage replaces this one in the same poll.
                    let Some(pending) = pending.take() else { return Poll::Pending };
                    let PendingCall { guard, method, mut server, body } = pending;
                    match decision {
                        Ok(identity) => {
                            guard.set_handoff(&mut parts, method, Some(identity));
                            let request = Request::from_parts(parts, GuardedBody::new(body));
                            match server.poll_ready(cx)? {
                                Poll::Ready(()) => Stage::Serving { serving: server.call(request) },
                                Poll::Pending => {
                                    Stage::Acquiring { admitted: Some(Box::new((server, request))) }
                                }
                            }
                        }
                        Err(rejection) => {
                            let head = guard.response_head(rejection, method);
                            Stage::rejected(head, &parts, body)
                        }
                    }
                }
                StageProjection::Acquiring { admitted } => {
                    // `None` is unreachable, as above.
                    let Some(waiting) = admitted else { return Poll::Pending };
                    ready!(waiting.0.poll_ready(cx))?;
                    let Some(ready) = admitted.take() else { return Poll::Pending };
                    let (mut server, request) = *ready;
                    Stage::Serving { serving: server.call(request) }
                }
                StageProjection::Rejected { head, draining } => {
                    if let Some(draining) = draining {
                        ready!(draining.as_mut().poll(cx));
                    }
                    let mut response = Response::new(tonic::body::Body::empty());
                    *response.headers_mut() = mem::take(head);
                    return Poll::Ready(Ok(response));
                }
                StageProjection::Failed { error } => {
                    return error.take().map_or(Poll::Pending, |error| Poll::Ready(Err(error)));
                }
            };
            stage.set(next);
        }
    }
}

/// Converts the body into that of tonic. The generated server responds with it already.
#[inline]
fn with_tonic_body<R>(response: Response<R>) -> Response<tonic::body::Body>
where
    R: Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    let mut response = Some(response);
    if let Some(same) = (&mut response as &mut dyn Any).downcast_mut()
        && let Some(response) = Option::take(same)
    {
        return response;
    }
    let empty = || Response::new(tonic::body::Body::empty());
    response.map_or_else(empty, |response| response.map(tonic::body::Body::new))
}

impl<S, B, F, E> fmt::Debug for GuardFuture<S, B, F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuardFuture")
    }
}
