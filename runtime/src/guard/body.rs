use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use http_body::{Body, Frame, SizeHint};

/// The body of an admitted request, without its trailers.
///
/// tonic merges the trailers of a request over its headers, so a caller could be judged by one
/// `authorization` and the handler see another. gRPC gives requests no trailers.
#[derive(Debug)]
pub struct GuardedBody<B> {
    inner: B,
    ended: bool,
}

impl<B> GuardedBody<B> {
    pub(crate) fn new(inner: B) -> Self {
        GuardedBody { inner, ended: false }
    }
}

impl<B: Body + Unpin> Body for GuardedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        Poll::Ready(match frame {
            Some(Ok(frame)) if frame.is_trailers() => {
                self.ended = true;
                None
            }
            frame => frame,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
