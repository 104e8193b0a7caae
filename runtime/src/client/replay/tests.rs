use std::{
    mem,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use proptest::prelude::*;
use tonic::{Status, body::Body};

use super::{Recorder, record as record_in_place};

fn record(mut body: Body, limit: usize) -> (Body, Recorder) {
    let recorder = record_in_place(&mut body, limit);
    (body, recorder.expect("the first frame fits"))
}

/// A body with these frames; it is pending at each `None`.
struct Script(Vec<Option<Result<Frame<Bytes>, Status>>>);

impl Script {
    fn body(frames: impl IntoIterator<Item = Option<Result<Frame<Bytes>, Status>>>) -> Body {
        let mut frames: Vec<_> = frames.into_iter().collect();
        frames.reverse();
        Body::new(Script(frames))
    }
}

impl HttpBody for Script {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match self.0.pop() {
            Some(Some(frame)) => Poll::Ready(Some(frame)),
            Some(None) => Poll::Pending,
            None => Poll::Ready(None),
        }
    }
}

fn data(bytes: &'static [u8]) -> Option<Result<Frame<Bytes>, Status>> {
    Some(Ok(Frame::data(Bytes::from_static(bytes))))
}

fn poll(body: &mut Body) -> Poll<Option<Result<Bytes, Status>>> {
    let mut cx = Context::from_waker(Waker::noop());
    let polled = Pin::new(body).poll_frame(&mut cx);
    polled.map(|frame| frame.map(|frame| frame.map(|frame| frame.into_data().unwrap())))
}

/// Returns the frames of a body until it is pending or ends.
fn drain(body: &mut Body) -> Vec<Bytes> {
    let mut frames = Vec::new();
    while let Poll::Ready(Some(Ok(frame))) = poll(body) {
        frames.push(frame);
    }
    frames
}

#[test]
fn retry_sends_what_was_sent_and_then_the_rest() {
    for before in 0..=4 {
        let (mut first, recorder) =
            record(Script::body([b"a", b"b", b"c"].map(|byte| data(byte))), 100);
        let sent: Vec<_> = (0..before)
            .map_while(|_| match poll(&mut first) {
                Poll::Ready(Some(Ok(frame))) => Some(frame),
                _ => None,
            })
            .collect();
        assert!(recorder.stop());
        let again = drain(&mut recorder.replay());
        assert_eq!(again, ["a", "b", "c"], "{before}");
        assert_eq!(again[..sent.len()], sent);
    }
}

#[test]
fn nothing_is_copied() {
    let frame = Bytes::from(vec![7; 1000]);
    let (mut first, recorder) = record(Script::body([Some(Ok(Frame::data(frame.clone())))]), 1000);
    let sent = drain(&mut first);
    assert!(recorder.stop());
    let again = drain(&mut recorder.replay());
    assert_eq!([sent[0].as_ptr(), again[0].as_ptr()], [frame.as_ptr(); 2]);
}

#[test]
fn stream_is_kept_up_to_the_limit() {
    for (limit, whole) in [(3, true), (2, false), (0, false)] {
        let frames = [Bytes::from(vec![1, 2]), Bytes::from(vec![3])];
        let script = frames.clone().map(|frame| Some(Ok(Frame::data(frame))));
        let (mut first, recorder) = record(Script::body(script), limit);
        assert_eq!(drain(&mut first), frames, "the first attempt sends everything");
        let kept = frames.each_ref().map(|frame| !frame.is_unique());
        assert_eq!(kept, [whole; 2], "{limit}: nothing is kept if the body can't be replayed");
        assert_eq!(recorder.stop(), whole, "{limit}");
    }
}

#[test]
fn single_frame_is_kept_up_to_the_limit() {
    for (limit, kept) in [(3, true), (2, false)] {
        let frame = Bytes::from(vec![1, 2, 3]);
        let mut body = Script::body([Some(Ok(Frame::data(frame.clone())))]);
        let recorder = record_in_place(&mut body, limit);
        assert_eq!(drain(&mut body), [&frame[..]], "the first attempt sends everything");
        assert_eq!((recorder.is_some(), !frame.is_unique()), (kept, kept), "{limit}");
    }
}

#[test]
fn body_that_fails_or_has_trailers_is_not_replayed() {
    let fails = || Some(Err(Status::internal("no")));
    let trailers = || Some(Ok(Frame::trailers(http::HeaderMap::new())));
    let a = || data(b"a");
    for script in [vec![a(), fails()], vec![a(), trailers()], vec![fails()], vec![trailers()]] {
        let frames = script.len();
        let (mut first, recorder) = record(Script::body(script), 100);
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..frames {
            assert!(matches!(Pin::new(&mut first).poll_frame(&mut cx), Poll::Ready(Some(_))));
        }
        assert!(!recorder.stop());
    }
}

#[test]
fn first_attempt_fails_once_its_call_has_ended() {
    let (mut first, recorder) = record(Script::body([data(b"a"), data(b"b")]), 100);
    assert!(matches!(poll(&mut first), Poll::Ready(Some(Ok(_)))));
    assert!(recorder.stop());
    assert!(matches!(poll(&mut first), Poll::Ready(Some(Err(_)))));
    let mut second = recorder.replay();
    assert!(matches!(poll(&mut first), Poll::Ready(Some(Err(_)))));
    assert_eq!(drain(&mut second), ["a", "b"]);
}

#[test]
fn single_frame_ends_the_body() {
    let (mut first, recorder) = record(Script::body([data(b"a")]), 100);
    assert!(!first.is_end_stream());
    assert!(matches!(poll(&mut first), Poll::Ready(Some(Ok(_)))));
    assert!(first.is_end_stream(), "no empty frame follows");
    assert!(recorder.stop());
    let mut second = recorder.replay();
    assert!(!second.is_end_stream());
    assert!(matches!(poll(&mut second), Poll::Ready(Some(Ok(_)))));
    assert!(second.is_end_stream());

    let (mut none, recorder) = record(Script::body([]), 0);
    for none in [&mut none, &mut recorder.replay()] {
        assert!(!none.is_end_stream(), "gRPC requires a frame that ends the request");
        assert!(matches!(poll(none), Poll::Ready(Some(Ok(frame))) if frame.is_empty()));
        assert!(none.is_end_stream());
    }
}

#[test]
fn lookahead_frame_does_not_count_as_sent() {
    let (mut first, recorder) = record(Script::body([data(b"ab"), data(b"c")]), 2);
    assert!(matches!(poll(&mut first), Poll::Ready(Some(Ok(_)))));
    assert!(!first.is_end_stream());
    assert!(recorder.stop(), "what was sent is within the limit");
    assert_eq!(drain(&mut recorder.replay()), ["ab", "c"]);

    let fails = Some(Err(Status::internal("no")));
    let (mut first, recorder) = record(Script::body([data(b"a"), fails]), 100);
    assert!(matches!(poll(&mut first), Poll::Ready(Some(Ok(_)))));
    assert!(recorder.stop(), "the body hasn't returned the error yet");
    assert_eq!(drain(&mut recorder.replay()), ["a"]);
}

struct WakeCounter(AtomicUsize);

impl Wake for WakeCounter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn stop_wakes_a_pending_first_attempt() {
    let (mut first, recorder) = record(Script::body([None, None, data(b"a")]), 100);
    let wakes = Arc::new(WakeCounter(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&wakes));
    assert!(Pin::new(&mut first).poll_frame(&mut Context::from_waker(&waker)).is_pending());
    recorder.stop();
    assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
}

#[test]
fn dropped_recorder_keeps_nothing() {
    let frame = Bytes::from(vec![1]);
    let script = [Some(Ok(Frame::data(frame.clone()))), data(b"b")];
    let (mut first, recorder) = record(Script::body(script), 100);
    assert!(matches!(poll(&mut first), Poll::Ready(Some(Ok(_)))));
    assert!(!frame.is_unique());
    drop(recorder);
    assert!(frame.is_unique());
    assert_eq!(drain(&mut first), ["b"]);
}

/// A frame of three bytes, with an exact size hint and end.
struct SizedFrame(bool);

impl HttpBody for SizedFrame {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let first = !mem::replace(&mut self.0, true);
        Poll::Ready(first.then(|| Ok(Frame::data(Bytes::from_static(b"abc")))))
    }

    fn is_end_stream(&self) -> bool {
        self.0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(if self.0 { 0 } else { 3 })
    }
}

#[test]
fn end_and_size_hint_are_those_of_the_original_body() {
    let (mut first, recorder) = record(Body::new(SizedFrame(false)), 100);
    assert_eq!((first.is_end_stream(), first.size_hint().exact()), (false, Some(3)));
    drain(&mut first);
    assert!(first.is_end_stream());
    recorder.stop();
    let mut second = recorder.replay();
    assert_eq!((second.is_end_stream(), second.size_hint().exact()), (false, Some(3)));
    drain(&mut second);
    assert_eq!((second.is_end_stream(), second.size_hint().exact()), (true, Some(0)));
    let (empty, recorder) = record(Body::empty(), 100);
    assert!(empty.is_end_stream() && recorder.replay().is_end_stream());
}

#[test]
fn body_is_dropped_once_it_has_been_sent() {
    for frames in [1, 3] {
        let owned = Arc::new(());
        let mut first = Body::new(SizedFrames(frames, Arc::clone(&owned)));
        let _recorder = record_in_place(&mut first, 0);
        drain(&mut first);
        assert_eq!(Arc::strong_count(&owned), 1, "{frames}");
    }
}

/// Frames of three bytes, with an exact size hint but no known end. The second field is dropped with the body.
struct SizedFrames(u64, #[expect(dead_code, reason = "its references are counted")] Arc<()>);

impl HttpBody for SizedFrames {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let left = self.0.checked_sub(1);
        self.0 = left.unwrap_or(0);
        Poll::Ready(left.map(|_| Ok(Frame::data(Bytes::from_static(b"abc")))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(3 * self.0)
    }
}

#[test]
fn size_hint_includes_the_lookahead() {
    let (mut first, recorder) = record(Body::new(SizedFrames(3, Arc::default())), 100);
    for left in [9, 6, 3, 0] {
        assert_eq!(first.size_hint().exact(), Some(left));
        assert!(!first.is_end_stream(), "{left}: the end isn't known yet");
        assert!(poll(&mut first).is_ready());
    }
    assert!(first.is_end_stream());
    recorder.stop();
    let mut second = recorder.replay();
    for left in [9, 6, 3, 0] {
        assert_eq!(second.size_hint().exact(), Some(left));
        assert_eq!(second.is_end_stream(), left == 0, "the end is known");
        assert!(poll(&mut second).is_ready());
    }
    assert!(second.is_end_stream());
}

proptest! {
    /// For any frames, limit and rejection time: the retry sends the whole body, or isn't made
    /// because more than the limit was sent.
    #[test]
    fn retry_sends_the_whole_body_or_is_not_made(
        frames in proptest::collection::vec(0_usize..50, 0..12),
        limit in 0_usize..200,
        taken in 0_usize..14,
    ) {
        let frame = |len: &usize| Bytes::from(vec![*len as u8; *len]);
        let mut whole: Vec<Bytes> = frames.iter().map(frame).collect();
        let mut first = Script::body(whole.iter().map(|frame| Some(Ok(Frame::data(frame.clone())))));
        if whole.is_empty() {
            // A body without frames is sent as an empty frame.
            whole.push(Bytes::new());
        }
        let recorder = record_in_place(&mut first, limit);
        let sent: Vec<_> = (0..taken)
            .map_while(|_| match poll(&mut first) {
                Poll::Ready(Some(Ok(frame))) => Some(frame),
                _ => None,
            })
            .collect();
        prop_assert_eq!(&sent, &whole[..taken.min(whole.len())]);
        // `record` polls the first frame before anything is sent.
        let recorded = &whole[..taken.max(1).min(whole.len())];
        let fits = recorded.iter().map(Bytes::len).sum::<usize>() <= limit;
        let recorder = recorder.filter(Recorder::stop);
        prop_assert_eq!(recorder.is_some(), fits);
        if let Some(recorder) = recorder {
            prop_assert_eq!(drain(&mut recorder.replay()), whole);
        }
    }
}
