//! A request's body that can be sent once more.
//!
//! What is sent is kept as clones of its `Bytes`, which share the memory: nothing is copied, and a body of
//! one frame, which is every unary call's, allocates nothing for it.

use std::{
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::{Status, body::Body};

/// Keeps what the first attempt sends, until it is dropped: the call needs it no more.
pub(super) struct Recorder(Arc<Mutex<Recording>>);

/// The body of one attempt.
pub(super) struct ReplayBody {
    recording: Arc<Mutex<Recording>>,
    /// What this attempt sends before it goes on with the rest.
    again: Frames,
    attempt: Attempt,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempt {
    First,
    Second,
}

struct Recording {
    /// What hasn't been sent yet, after what is `ahead`.
    rest: Body,
    ahead: Ahead,
    sent: Frames,
    held: usize,
    limit: usize,
    /// All that was sent is in `sent`.
    whole: bool,
    /// Who may go on with the rest.
    reader: Option<Attempt>,
    /// The first attempt's task, while it waits for the rest.
    waiting: Option<Waker>,
}

/// What is known of the rest.
enum Ahead {
    /// Its first frame hasn't come yet.
    Unseen,
    /// Its next frame was taken already, to see whether there is one.
    Frame(Result<Frame<Bytes>, Status>),
    Unknown,
    /// There is none, and this is what it said of its size then: it has been dropped.
    End(SizeHint),
}

/// Frames in their order. The first has a place of its own.
#[derive(Default)]
struct Frames {
    first: Option<Bytes>,
    more: Vec<Bytes>,
}

impl Frames {
    fn push(&mut self, frame: Bytes) {
        match self.first {
            None => self.first = Some(frame),
            Some(_) => self.more.push(frame),
        }
    }

    fn pop(&mut self) -> Option<Bytes> {
        // `more` is in reverse once frames are taken.
        self.first.take().or_else(|| self.more.pop())
    }

    fn reversed(mut self) -> Self {
        self.more.reverse();
        self
    }

    fn is_empty(&self) -> bool {
        self.first.is_none() && self.more.is_empty()
    }

    fn len(&self) -> u64 {
        self.first.iter().chain(&self.more).map(|frame| frame.len() as u64).sum()
    }
}

/// Makes `body` that of a first attempt; what is returned keeps up to `limit` bytes of it.
pub(super) fn record(body: &mut Body, limit: usize) -> Recorder {
    let recording = Arc::new(Mutex::new(Recording {
        rest: mem::take(body),
        ahead: Ahead::Unseen,
        sent: Frames::default(),
        held: 0,
        limit,
        whole: true,
        reader: Some(Attempt::First),
        waiting: None,
    }));
    *body = Body::new(ReplayBody {
        recording: Arc::clone(&recording),
        again: Frames::default(),
        attempt: Attempt::First,
    });
    Recorder(recording)
}

impl Recorder {
    /// Ends the first attempt, whose call has been answered: it takes no more of the body. False when
    /// what it sent can't be sent again.
    pub(super) fn stop(&self) -> bool {
        let mut recording = lock(&self.0);
        recording.reader = None;
        let waiting = recording.waiting.take();
        let whole = recording.whole;
        drop(recording);
        if let Some(task) = waiting {
            task.wake();
        }
        whole
    }

    /// The body of the second attempt: what the first has sent, and then the rest.
    pub(super) fn replay(&self) -> Body {
        let mut recording = lock(&self.0);
        recording.reader = Some(Attempt::Second);
        recording.whole = false;
        let again = mem::take(&mut recording.sent).reversed();
        drop(recording);
        let recording = Arc::clone(&self.0);
        Body::new(ReplayBody { recording, again, attempt: Attempt::Second })
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // The body of most calls has been sent and dropped by now.
        if Arc::strong_count(&self.0) > 1 {
            let mut recording = lock(&self.0);
            recording.waiting = None;
            recording.give_up();
        }
    }
}

impl HttpBody for ReplayBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let body = &mut *self;
        let mut recording = lock(&body.recording);
        if recording.reader != Some(body.attempt) {
            // An error resets the stream. An end would have the server believe that it has it all.
            return Poll::Ready(Some(Err(Status::cancelled("the call has been answered"))));
        }
        if let Some(frame) = body.again.pop() {
            return Poll::Ready(Some(Ok(Frame::data(frame))));
        }
        let polled = recording.poll_rest(cx);
        if polled.is_pending() && recording.whole {
            recording.waiting = Some(cx.waker().clone());
        }
        let frame = ready!(polled);
        match &frame {
            Some(Ok(frame)) => recording.keep(frame),
            Some(Err(_)) => recording.give_up(),
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.again.is_empty() && lock(&self.recording).is_at_end()
    }

    fn size_hint(&self) -> SizeHint {
        longer(lock(&self.recording).size_hint(), self.again.len())
    }
}

/// The hint for what has so many bytes in front of it.
fn longer(rest: SizeHint, bytes: u64) -> SizeHint {
    let mut hint = SizeHint::new();
    // The upper bound first: a lower bound may not exceed it.
    if let Some(upper) = rest.upper() {
        hint.set_upper(upper.saturating_add(bytes));
    }
    hint.set_lower(rest.lower().saturating_add(bytes));
    hint
}

impl Recording {
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match mem::replace(&mut self.ahead, Ahead::Unknown) {
            Ahead::Unseen => match Pin::new(&mut self.rest).poll_frame(cx) {
                Poll::Ready(frame) => {
                    self.ahead = match &frame {
                        Some(Ok(_)) => self.look_ahead(cx),
                        Some(Err(_)) => Ahead::Unknown,
                        None => self.end(),
                    };
                    Poll::Ready(frame)
                }
                Poll::Pending => {
                    self.ahead = Ahead::Unseen;
                    Poll::Pending
                }
            },
            Ahead::Frame(frame) => Poll::Ready(Some(frame)),
            Ahead::Unknown => {
                let polled = Pin::new(&mut self.rest).poll_frame(cx);
                if matches!(polled, Poll::Ready(None)) {
                    self.ahead = self.end();
                }
                polled
            }
            Ahead::End(hint) => {
                self.ahead = Ahead::End(hint);
                Poll::Ready(None)
            }
        }
    }

    /// A unary call's body doesn't say that its one frame is the last. Who finds out spares both sides an
    /// empty frame behind it.
    fn look_ahead(&mut self, cx: &mut Context<'_>) -> Ahead {
        match Pin::new(&mut self.rest).poll_frame(cx) {
            Poll::Ready(Some(next)) => Ahead::Frame(next),
            Poll::Ready(None) => self.end(),
            Poll::Pending => Ahead::Unknown,
        }
    }

    /// The rest has no more frames. What is large is freed before the answer comes, unless it is kept.
    fn end(&mut self) -> Ahead {
        Ahead::End(mem::take(&mut self.rest).size_hint())
    }

    fn is_at_end(&self) -> bool {
        match self.ahead {
            Ahead::Unseen | Ahead::Unknown => self.rest.is_end_stream(),
            Ahead::Frame(_) => false,
            Ahead::End(_) => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.ahead {
            Ahead::End(hint) => *hint,
            Ahead::Frame(Ok(frame)) => {
                let ahead = frame.data_ref().map_or(0, Bytes::len) as u64;
                longer(self.rest.size_hint(), ahead)
            }
            Ahead::Frame(Err(_)) | Ahead::Unseen | Ahead::Unknown => self.rest.size_hint(),
        }
    }

    fn keep(&mut self, frame: &Frame<Bytes>) {
        if !self.whole {
            return;
        }
        match frame.data_ref() {
            Some(data) if data.len() <= self.limit - self.held => {
                self.held += data.len();
                self.sent.push(data.clone());
            }
            // Too much, or trailers, which gRPC doesn't have on requests.
            _ => self.give_up(),
        }
    }

    fn give_up(&mut self) {
        self.whole = false;
        drop(mem::take(&mut self.sent));
    }
}

fn lock(recording: &Mutex<Recording>) -> MutexGuard<'_, Recording> {
    recording.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
