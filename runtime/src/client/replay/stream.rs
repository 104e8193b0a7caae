//! A body that comes in parts, or late: what has been sent of it, and the rest, which one attempt may go on
//! with.

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
pub(in crate::client) struct Recording(Arc<Mutex<State>>);

/// The body of one attempt.
struct ReplayBody {
    state: Arc<Mutex<State>>,
    /// What this attempt sends before it goes on with the rest.
    again: VecDeque<Bytes>,
    attempt: Attempt,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempt {
    First,
    Second,
}

struct State {
    /// What hasn't been sent yet, after what is `ahead`.
    rest: Body,
    ahead: Ahead,
    sent: VecDeque<Bytes>,
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
    /// Its next frame was taken already, to see whether there is one.
    Frame(Result<Frame<Bytes>, Status>),
    Unknown,
    /// There is none, and this is what it said of its size then: it has been dropped.
    End(SizeHint),
}

/// The first attempt's body, and what keeps up to `limit` bytes of it. `first` and `next` were taken from
/// it already, before what is left in `rest`.
pub(super) fn record(
    rest: Body,
    first: Option<Bytes>,
    next: Option<Result<Frame<Bytes>, Status>>,
    limit: usize,
) -> (Body, Recording) {
    let mut state = State {
        rest,
        ahead: next.map_or(Ahead::Unknown, Ahead::Frame),
        sent: VecDeque::new(),
        held: 0,
        limit,
        whole: true,
        reader: Some(Attempt::First),
        waiting: None,
    };
    if let Some(data) = &first {
        state.keep(Some(data));
    }
    let recording = Recording(Arc::new(Mutex::new(state)));
    (recording.body(first.into_iter().collect(), Attempt::First), recording)
}

impl Recording {
    /// Ends the first attempt, whose call has been answered: it takes no more of the body. False when
    /// what it sent can't be sent again.
    pub(super) fn stop(&self) -> bool {
        let mut state = lock(&self.0);
        state.reader = None;
        let waiting = state.waiting.take();
        let whole = state.whole;
        drop(state);
        if let Some(task) = waiting {
            task.wake();
        }
        whole
    }

    /// The body of the second attempt: what the first has sent, and then the rest.
    pub(super) fn replay(self) -> Body {
        let mut state = lock(&self.0);
        state.reader = Some(Attempt::Second);
        state.whole = false;
        let again = mem::take(&mut state.sent);
        drop(state);
        self.body(again, Attempt::Second)
    }

    fn body(&self, again: VecDeque<Bytes>, attempt: Attempt) -> Body {
        Body::new(ReplayBody { state: Arc::clone(&self.0), again, attempt })
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        state.waiting = None;
        state.give_up();
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
        let mut state = lock(&body.state);
        if state.reader != Some(body.attempt) {
            // An error resets the stream. An end would have the server believe that it has it all.
            return Poll::Ready(Some(Err(Status::cancelled("the call has been answered"))));
        }
        if let Some(frame) = body.again.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(frame))));
        }
        let polled = state.poll_rest(cx);
        if polled.is_pending() && state.whole {
            state.waiting = Some(cx.waker().clone());
        }
        let frame = ready!(polled);
        match &frame {
            Some(Ok(frame)) => state.keep(frame.data_ref()),
            Some(Err(_)) => state.give_up(),
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.again.is_empty() && lock(&self.state).is_at_end()
    }

    fn size_hint(&self) -> SizeHint {
        let again = self.again.iter().map(|data| data.len() as u64).sum();
        longer(lock(&self.state).size_hint(), again)
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

impl State {
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match mem::replace(&mut self.ahead, Ahead::Unknown) {
            Ahead::Frame(frame) => Poll::Ready(Some(frame)),
            Ahead::Unknown => {
                let polled = Pin::new(&mut self.rest).poll_frame(cx);
                if matches!(polled, Poll::Ready(None)) {
                    self.end();
                }
                polled
            }
            Ahead::End(hint) => {
                self.ahead = Ahead::End(hint);
                Poll::Ready(None)
            }
        }
    }

    /// The rest has no more frames. What is large is freed before the answer comes, unless it is kept.
    fn end(&mut self) {
        self.ahead = Ahead::End(mem::take(&mut self.rest).size_hint());
    }

    fn is_at_end(&self) -> bool {
        match self.ahead {
            Ahead::Frame(_) => false,
            Ahead::Unknown => self.rest.is_end_stream(),
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
            Ahead::Frame(Err(_)) | Ahead::Unknown => self.rest.size_hint(),
        }
    }

    /// Keeps the data of a frame that is sent.
    fn keep(&mut self, data: Option<&Bytes>) {
        if !self.whole {
            return;
        }
        match data {
            Some(data) if data.len() <= self.limit - self.held => {
                self.held += data.len();
                self.sent.push_back(data.clone());
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

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
