//! A body of several frames: what was sent of it, and the rest, which only one attempt may read.

use std::{
    collections::VecDeque,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::{Status, body::Body};

/// Keeps what the first attempt sends, until it is dropped.
pub(in crate::client) struct StreamRecorder(Arc<Mutex<ReplayState>>);

/// The body of one attempt.
struct AttemptBody {
    state: Arc<Mutex<ReplayState>>,
    /// What this attempt sends before the rest.
    queued: VecDeque<Bytes>,
    attempt: ReplayAttempt,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ReplayAttempt {
    First,
    Retry,
}

/// The state that the recorder and the bodies of both attempts share.
struct ReplayState {
    /// The frames after `lookahead`, which weren't sent yet.
    rest: Body,
    lookahead: Lookahead,
    /// The frames that the first attempt has sent.
    sent: VecDeque<Bytes>,
    sent_bytes: usize,
    limit: usize,
    /// True while `sent` has every frame that was sent.
    complete: bool,
    /// The attempt that may read the rest.
    reader: Option<ReplayAttempt>,
    /// Wakes the first attempt, which waits for the rest.
    waker: Option<Waker>,
}

/// The state of the rest, as far as it was polled.
enum Lookahead {
    /// The next frame, which was polled to find out whether there is one.
    Frame(Result<Frame<Bytes>, Status>),
    Unknown,
    /// The rest has ended and was dropped. This was its last size hint.
    End(SizeHint),
}

/// Makes the body of the first attempt, and a recorder that keeps up to `limit` bytes of it.
///
/// `first` and `next` are the frames before `rest`.
pub(super) fn record(
    rest: Body,
    first: Option<Bytes>,
    next: Option<Result<Frame<Bytes>, Status>>,
    limit: usize,
) -> (Body, StreamRecorder) {
    let mut state = ReplayState {
        rest,
        lookahead: next.map_or(Lookahead::Unknown, Lookahead::Frame),
        sent: VecDeque::new(),
        sent_bytes: 0,
        limit,
        complete: true,
        reader: Some(ReplayAttempt::First),
        waker: None,
    };
    if let Some(data) = &first {
        state.record(Some(data));
    }
    let recorder = StreamRecorder(Arc::new(Mutex::new(state)));
    (recorder.body(first.into_iter().collect(), ReplayAttempt::First), recorder)
}

impl StreamRecorder {
    /// Stops the body of the first attempt, whose call has ended. Returns whether a retry can send it again.
    pub(super) fn stop(&self) -> bool {
        let mut state = lock(&self.0);
        state.reader = None;
        let waker = state.waker.take();
        let complete = state.complete;
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        complete
    }

    /// Returns the body of the retry: what the first attempt has sent, and then the rest.
    pub(super) fn replay(self) -> Body {
        let mut state = lock(&self.0);
        state.reader = Some(ReplayAttempt::Retry);
        state.complete = false;
        let sent = mem::take(&mut state.sent);
        drop(state);
        self.body(sent, ReplayAttempt::Retry)
    }

    fn body(&self, queued: VecDeque<Bytes>, attempt: ReplayAttempt) -> Body {
        Body::new(AttemptBody { state: Arc::clone(&self.0), queued, attempt })
    }
}

impl Drop for StreamRecorder {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        state.waker = None;
        state.stop_recording();
    }
}

impl HttpBody for AttemptBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let body = &mut *self;
        let mut state = lock(&body.state);
        if state.reader != Some(body.attempt) {
            // An error resets the stream. With a normal end, the server would take the request for complete.
            return Poll::Ready(Some(Err(Status::cancelled("the call has already ended"))));
        }
        if let Some(frame) = body.queued.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(frame))));
        }
        let polled = state.poll_rest(cx);
        if polled.is_pending() && state.complete {
            state.waker = Some(cx.waker().clone());
        }
        let frame = ready!(polled);
        match &frame {
            Some(Ok(frame)) => state.record(frame.data_ref()),
            Some(Err(_)) => state.stop_recording(),
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.queued.is_empty() && lock(&self.state).is_at_end()
    }

    fn size_hint(&self) -> SizeHint {
        let queued = self.queued.iter().map(|data| data.len() as u64).sum();
        add_bytes(lock(&self.state).size_hint(), queued)
    }
}

/// Returns the size hint of a body with `bytes` more bytes.
fn add_bytes(rest: SizeHint, bytes: u64) -> SizeHint {
    let mut hint = SizeHint::new();
    // The upper bound first: `set_lower` panics if it exceeds the upper bound.
    if let Some(upper) = rest.upper() {
        hint.set_upper(upper.saturating_add(bytes));
    }
    hint.set_lower(rest.lower().saturating_add(bytes));
    hint
}

impl ReplayState {
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match mem::replace(&mut self.lookahead, Lookahead::Unknown) {
            Lookahead::Frame(frame) => Poll::Ready(Some(frame)),
            Lookahead::Unknown => {
                let polled = Pin::new(&mut self.rest).poll_frame(cx);
                if matches!(polled, Poll::Ready(None)) {
                    self.drop_rest();
                }
                polled
            }
            Lookahead::End(hint) => {
                self.lookahead = Lookahead::End(hint);
                Poll::Ready(None)
            }
        }
    }

    /// Drops the rest, which has ended, so that its memory is free while the call waits for the response.
    fn drop_rest(&mut self) {
        self.lookahead = Lookahead::End(mem::take(&mut self.rest).size_hint());
    }

    fn is_at_end(&self) -> bool {
        match self.lookahead {
            Lookahead::Frame(_) => false,
            Lookahead::Unknown => self.rest.is_end_stream(),
            Lookahead::End(_) => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.lookahead {
            Lookahead::End(hint) => *hint,
            Lookahead::Frame(Ok(frame)) => {
                let next = frame.data_ref().map_or(0, Bytes::len) as u64;
                add_bytes(self.rest.size_hint(), next)
            }
            Lookahead::Frame(Err(_)) | Lookahead::Unknown => self.rest.size_hint(),
        }
    }

    /// Keeps the data of a frame that is sent.
    fn record(&mut self, data: Option<&Bytes>) {
        if !self.complete {
            return;
        }
        match data {
            Some(data) if data.len() <= self.limit - self.sent_bytes => {
                self.sent_bytes += data.len();
                self.sent.push_back(data.clone());
            }
            // The limit is exceeded, or the frame has trailers, which gRPC requests don't have.
            _ => self.stop_recording(),
        }
    }

    fn stop_recording(&mut self) {
        self.complete = false;
        drop(mem::take(&mut self.sent));
    }
}

fn lock(state: &Mutex<ReplayState>) -> MutexGuard<'_, ReplayState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
