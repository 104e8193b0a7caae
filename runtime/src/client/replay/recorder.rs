//! Records the body of the first attempt.

use std::{
    mem,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use tonic::{Status, body::Body};

use super::{
    single_frame::SingleFrame,
    stream::{self, StreamRecorder},
};

/// Keeps what the first attempt sends, until it is dropped.
pub(in crate::client) enum Recorder {
    SingleFrame(SingleFrame),
    /// The body has several frames, or its frame isn't available yet.
    Stream(StreamRecorder),
}

/// Replaces `body` by the body of the first attempt, of which the recorder keeps up to `limit` bytes.
///
/// Returns `None` for a single frame that is larger than `limit`.
pub(in crate::client) fn record(body: &mut Body, limit: usize) -> Option<Recorder> {
    let mut rest = mem::take(body);
    let (ended, sized) = (rest.is_end_stream(), rest.size_hint().exact().is_some());
    // The body of a unary call doesn't mark its only frame as the last one. Polling for the next frame
    // finds the end, and saves the empty DATA frame that would be sent for it otherwise.
    let (first, next) = match poll_once(&mut rest) {
        Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
            Ok(data) => (Some(data), poll_once(&mut rest)),
            Err(trailers) => (None, Poll::Ready(Some(Ok(trailers)))),
        },
        none_yet => (None, none_yet),
    };
    let next = match next {
        Poll::Ready(None) => {
            // gRPC requires a frame that ends the request, even if it is empty.
            let data = first.or_else(|| (!ended).then(Bytes::new));
            let fits = data.as_ref().map_or(0, Bytes::len) <= limit;
            let recorder =
                fits.then(|| Recorder::SingleFrame(SingleFrame::new(data.clone(), sized)));
            *body = Body::new(SingleFrame::new(data, sized));
            return recorder;
        }
        Poll::Ready(next) => next,
        Poll::Pending => None,
    };
    let recorder;
    (*body, recorder) = stream::record(rest, first, next, limit);
    Some(Recorder::Stream(recorder))
}

/// Polls for a frame that is available now. The transport polls again, with its own waker.
fn poll_once(body: &mut Body) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
    Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()))
}

impl Recorder {
    /// Stops the body of the first attempt, whose call has ended. Returns whether a retry can send it again.
    pub(in crate::client) fn stop(&self) -> bool {
        match self {
            Recorder::SingleFrame(_) => true,
            Recorder::Stream(recorder) => recorder.stop(),
        }
    }

    /// Returns the body of the retry.
    pub(in crate::client) fn replay(self) -> Body {
        match self {
            Recorder::SingleFrame(frame) => Body::new(frame),
            Recorder::Stream(recorder) => recorder.replay(),
        }
    }
}
