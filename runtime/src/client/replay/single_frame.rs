//! A body of at most one frame.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::Status;

/// A body of at most one frame.
pub(in crate::client) struct SingleFrame {
    data: Option<Bytes>,
    /// True if the original body has an exact size hint. With one, the request gets a `content-length`.
    sized: bool,
}

impl SingleFrame {
    pub(super) fn new(data: Option<Bytes>, sized: bool) -> Self {
        SingleFrame { data, sized }
    }
}

impl HttpBody for SingleFrame {
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
