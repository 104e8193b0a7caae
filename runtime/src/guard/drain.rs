//! Reading a little of a refused body, where not reading it would break the caller's write.

use std::{
    pin::{Pin, pin},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use bytes::Bytes;
use http::{
    Version,
    header::{CONTENT_LENGTH, EXPECT},
    request::Parts,
};
use http_body::Body;

use crate::leaf::within;

/// How much of a refused body is read at most.
const MAX_BYTES: usize = 64 * 1024;

/// How long that may take.
const MAX_TIME: Duration = Duration::from_secs(1);

/// How many bodies of refused calls are read at once, in the whole process.
const MAX_AT_ONCE: usize = 64;

/// Over HTTP/1.1 a caller that still writes finds its connection closed, and never reads the answer.
/// So a small rest is read and dropped. HTTP/2 answers a stream while it is being written.
/// `None` where there is nothing to wait for.
pub(super) fn drain<B>(parts: &Parts, body: B) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    if !matches!(parts.version, Version::HTTP_10 | Version::HTTP_11) || !worth_reading(parts, &body)
    {
        return None;
    }
    let place = Place::take()?;
    Some(Box::pin(async move {
        let _place = place;
        let mut body = pin!(body);
        // Whichever way it ends, the answer is sent.
        let _ = within(MAX_TIME, pin!(read_some(body.as_mut()))).await;
    }))
}

fn worth_reading<B: Body>(parts: &Parts, body: &B) -> bool {
    // A caller that asked whether to send must not be told to.
    if parts.headers.contains_key(EXPECT) {
        return false;
    }
    // tonic-web takes `content-length` off the head. The body still knows it.
    if body.size_hint().lower() > MAX_BYTES as u64 {
        return false;
    }
    match parts.headers.get(CONTENT_LENGTH) {
        None => true,
        Some(length) => {
            let length = length.to_str().ok().and_then(|text| text.parse::<usize>().ok());
            length.is_some_and(|length| length <= MAX_BYTES)
        }
    }
}

async fn read_some<B: Body<Data = Bytes>>(mut body: Pin<&mut B>) {
    let mut read = 0;
    while read < MAX_BYTES {
        let frame = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await;
        match frame {
            Some(Ok(frame)) => read += frame.data_ref().map_or(0, Bytes::len),
            Some(Err(_)) | None => return,
        }
    }
}

static AT_ONCE: AtomicUsize = AtomicUsize::new(0);

/// One of the places for bodies that are being read.
struct Place;

impl Place {
    fn take() -> Option<Place> {
        let more = |taken| (taken < MAX_AT_ONCE).then_some(taken + 1);
        AT_ONCE.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok().map(|_| Place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        AT_ONCE.fetch_sub(1, Ordering::Relaxed);
    }
}
