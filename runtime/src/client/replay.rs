//! A request's body that can be sent once more.
//!
//! What is sent is kept as clones of its `Bytes`, which share the memory: nothing is copied. Every unary
//! call's body is one frame that is there before the call is made. It is taken at once, and nothing of the
//! body but the frame goes on its way.

mod stream;

use std::{
    mem,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::{Status, body::Body};

use self::stream::Recording;

/// Keeps what the first attempt sends, until it is dropped: the call needs it no more.
pub(super) enum Recorder {
    Whole(OneFrame),
    /// Of a body that comes in parts, or late.
    Stream(Recording),
}

/// Makes `body` that of a first attempt; what is returned keeps up to `limit` bytes of it. `None` when it
/// is one frame, and larger.
pub(super) fn record(body: &mut Body, limit: usize) -> Option<Recorder> {
    let mut rest = mem::take(body);
    let (ended, sized) = (rest.is_end_stream(), rest.size_hint().exact().is_some());
    // A unary call's body doesn't say that its one frame is the last. Who finds out spares both sides an
    // empty frame behind it.
    let (first, next) = match poll_now(&mut rest) {
        Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
            Ok(data) => (Some(data), poll_now(&mut rest)),
            Err(trailers) => (None, Poll::Ready(Some(Ok(trailers)))),
        },
        none_yet => (None, none_yet),
    };
    let next = match next {
        Poll::Ready(None) => {
            // gRPC wants a frame to end a request with, if it is an empty one.
            let data = first.or_else(|| (!ended).then(Bytes::new));
            let kept = data.as_ref().map_or(0, Bytes::len) <= limit;
            let recorder = kept.then(|| Recorder::Whole(OneFrame { data: data.clone(), sized }));
            *body = Body::new(OneFrame { data, sized });
            return recorder;
        }
        Poll::Ready(next) => next,
        Poll::Pending => None,
    };
    let recording;
    (*body, recording) = stream::record(rest, first, next, limit);
    Some(Recorder::Stream(recording))
}

/// What there is of a body. Whoever sends it asks again, with a waker that wakes.
fn poll_now(body: &mut Body) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
    Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()))
}

impl Recorder {
    /// Ends the first attempt, whose call has been answered: of a body in parts it takes no more. False
    /// when what it sent can't be sent again.
    pub(super) fn stop(&self) -> bool {
        match self {
            Recorder::Whole(_) => true,
            Recorder::Stream(recording) => recording.stop(),
        }
    }

    /// The body of the second attempt.
    pub(super) fn replay(self) -> Body {
        match self {
            Recorder::Whole(frame) => Body::new(frame),
            Recorder::Stream(recording) => recording.replay(),
        }
    }
}

/// A body of one frame.
pub(super) struct OneFrame {
    data: Option<Bytes>,
    /// It tells its size, as the body did that it stands for: with a size the request goes out with a
    /// `content-length`.
    sized: bool,
}

impl HttpBody for OneFrame {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Poll::Ready(self.data.take().map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        if self.sized {
            SizeHint::with_exact(self.data.as_ref().map_or(0, Bytes::len) as u64)
        } else {
            SizeHint::default()
        }
    }
}

#[cfg(test)]
mod tests;
