//! The response future of a call with credentials.

use std::{
    fmt,
    pin::Pin,
    task::{self, Context, Poll},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tonic::body::Body;
use tower_service::Service;

use super::{
    channel_state::{BoxError, BoxFuture},
    response::is_unauthenticated,
    retry::RetryState,
};

pin_project! {
    /// The response future of [`CallCredentialsService`](super::CallCredentialsService).
    #[must_use = "futures do nothing unless they are polled"]
    pub struct ResponseFuture<S>
    where
        S: Service<Request<Body>>,
    {
        #[pin]
        state: CallState<S>,
    }
}

pin_project! {
    #[project = StateProj]
    enum CallState<S>
    where
        S: Service<Request<Body>>,
    {
        FirstAttempt {
            #[pin]
            attempt: S::Future,
            retry: Option<Box<RetryState<S>>>,
        },
        /// The call waits for a token, or handles a rejection.
        Boxed { future: BoxFuture<S::Response> },
    }
}

impl<S: Service<Request<Body>>> ResponseFuture<S> {
    pub(super) fn first_attempt(attempt: S::Future, retry: Option<Box<RetryState<S>>>) -> Self {
        ResponseFuture { state: CallState::FirstAttempt { attempt, retry } }
    }

    pub(super) fn boxed(future: BoxFuture<S::Response>) -> Self {
        ResponseFuture { state: CallState::Boxed { future } }
    }
}

impl<S, R> Future for ResponseFuture<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    R: http_body::Body + Send + 'static,
{
    type Output = Result<Response<R>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let (retry, response) = match state.as_mut().project() {
                StateProj::Boxed { future } => return future.as_mut().poll(cx),
                StateProj::FirstAttempt { attempt, retry } => {
                    let response = task::ready!(attempt.poll(cx)).map_err(Into::into)?;
                    match retry.take_if(|_| is_unauthenticated(&response)) {
                        Some(retry) => (retry, response),
                        None => {
                            // The call isn't retried: release the recorded request.
                            *retry = None;
                            return Poll::Ready(Ok(response));
                        }
                    }
                }
            };
            state.set(CallState::Boxed { future: Box::pin(retry.after_rejection(response)) });
        }
    }
}

impl<S: Service<Request<Body>>> fmt::Debug for ResponseFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture")
    }
}
