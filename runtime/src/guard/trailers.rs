//! The removal of trailers from a request.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use http_body::{Body, Frame, SizeHint};

/// The body of an admitted request, without its trailers.
///
/// gRPC requests have no trailers, but tonic merges the trailers of a request into its headers. A caller could
/// otherwise show one `authorization` header to the guard and another to the handler.
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
        if let Some(Ok(inner)) = &frame
            && inner.is_trailers()
        {
            self.ended = true;
            return Poll::Ready(None);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, convert::Infallible};

    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    struct Frames(VecDeque<Frame<Bytes>>);

    impl Body for Frames {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.pop_front().map(Ok))
        }

        fn is_end_stream(&self) -> bool {
            self.0.is_empty()
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(7)
        }
    }

    fn next(body: &mut GuardedBody<Frames>) -> Option<Frame<Bytes>> {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        match Pin::new(body).poll_frame(&mut cx) {
            Poll::Ready(frame) => frame.map(|frame| frame.unwrap()),
            Poll::Pending => unreachable!("frames are ready"),
        }
    }

    #[test]
    fn trailers_end_the_body() {
        let late = Frame::data(Bytes::from_static(b"after the trailers"));
        let frames =
            [Frame::data(Bytes::from_static(b"data")), Frame::trailers(HeaderMap::new()), late];
        let mut body = GuardedBody::new(Frames(frames.into()));
        assert_eq!(body.size_hint().exact(), Some(7));
        assert!(!body.is_end_stream());
        assert_eq!(next(&mut body).unwrap().into_data().unwrap(), "data");
        assert!(!body.is_end_stream());
        assert!(next(&mut body).is_none());
        assert!(body.is_end_stream());
        assert!(next(&mut body).is_none(), "the body has ended");
    }

    #[test]
    fn an_empty_body_is_at_its_end() {
        let mut body = GuardedBody::new(Frames(VecDeque::new()));
        assert!(body.is_end_stream());
        assert!(next(&mut body).is_none());
    }
}
