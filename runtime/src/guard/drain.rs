//! Draining of the body of a rejected HTTP/1.1 request.

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

use crate::evaluate::deadline::within;

/// The maximum number of bytes that are read from a body.
const MAX_BYTES: usize = 64 * 1024;

/// The maximum time for reading a body.
const MAX_TIME: Duration = Duration::from_secs(1);

/// The maximum number of bodies that the process reads at the same time.
const MAX_CONCURRENT: usize = 64;

/// Reads a small body of a rejected request and drops it. Returns `None` when the body isn't read.
///
/// An HTTP/1.1 server that responds before it has read the body closes the connection, and a client that is
/// still writing then fails before it reads the response. HTTP/2 has no such problem.
pub(super) fn drain<B>(parts: &Parts, body: B) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    if !matches!(parts.version, Version::HTTP_10 | Version::HTTP_11)
        || !is_worth_reading(parts, &body)
    {
        return None;
    }
    let permit = DrainPermit::acquire()?;
    Some(Box::pin(async move {
        let _permit = permit;
        let mut body = pin!(body);
        // The response is sent whether or not the whole body is read.
        within(MAX_TIME, pin!(read_some(body.as_mut())), |_| ()).await;
    }))
}

fn is_worth_reading<B: Body>(parts: &Parts, body: &B) -> bool {
    // Reading the body would send `100 Continue` to a caller that waits for it.
    if parts.headers.contains_key(EXPECT) {
        return false;
    }
    // tonic-web removes `content-length` from the headers, but the body knows its length.
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

static CONCURRENT: AtomicUsize = AtomicUsize::new(0);

/// A permit to read a body. Dropping it returns the permit.
struct DrainPermit;

impl DrainPermit {
    fn acquire() -> Option<DrainPermit> {
        let increment = |permits| (permits < MAX_CONCURRENT).then_some(permits + 1);
        CONCURRENT
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, increment)
            .ok()
            .map(|_| DrainPermit)
    }
}

impl Drop for DrainPermit {
    fn drop(&mut self) {
        CONCURRENT.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::{Arc, Mutex, PoisonError},
        task::{Context, Poll},
    };

    use http_body::{Frame, SizeHint};

    use super::*;

    /// A body of `left` frames of 1 KiB, with the size hint `lower_bound`.
    struct Kibibytes {
        left: usize,
        lower_bound: u64,
        read: Arc<AtomicUsize>,
    }

    impl Body for Kibibytes {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if self.left == 0 {
                return Poll::Ready(None);
            }
            self.left -= 1;
            self.read.fetch_add(1, Ordering::Relaxed);
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[0; 1024])))))
        }

        fn size_hint(&self) -> SizeHint {
            let mut hint = SizeHint::new();
            hint.set_lower(self.lower_bound);
            hint
        }
    }

    fn head(version: Version, headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::post("/").version(version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    /// The tests count the permits of the whole process, so they run one at a time.
    static SERIAL: Mutex<()> = Mutex::new(());

    /// The number of frames that are read from a body of `kibibytes` frames.
    fn frames_read(parts: &Parts, kibibytes: usize, lower_bound: u64) -> usize {
        let read = Arc::default();
        let body = Kibibytes { left: kibibytes, lower_bound, read: Arc::clone(&read) };
        if let Some(mut draining) = drain(parts, body) {
            let mut cx = Context::from_waker(std::task::Waker::noop());
            assert!(draining.as_mut().poll(&mut cx).is_ready(), "every frame is ready");
        }
        read.load(Ordering::Relaxed)
    }

    #[test]
    fn a_small_body_is_read_only_over_http1() {
        let _serial = SERIAL.lock().unwrap_or_else(PoisonError::into_inner);
        for version in [Version::HTTP_10, Version::HTTP_11] {
            assert_eq!(frames_read(&head(version, &[]), 3, 0), 3);
            assert_eq!(frames_read(&head(version, &[("content-length", "3072")]), 3, 3072), 3);
        }
        assert_eq!(frames_read(&head(Version::HTTP_2, &[]), 3, 0), 0);
    }

    #[test]
    fn at_most_64_kib_are_read() {
        let _serial = SERIAL.lock().unwrap_or_else(PoisonError::into_inner);
        let http1 = |headers: &[(&str, &str)]| head(Version::HTTP_11, headers);
        assert_eq!(frames_read(&http1(&[]), 65, 0), 64);
        let most = MAX_BYTES as u64;
        assert_eq!(frames_read(&http1(&[]), 3, most), 3);
        assert_eq!(frames_read(&http1(&[]), 3, most + 1), 0);
        assert_eq!(frames_read(&http1(&[("content-length", "65536")]), 3, 0), 3);
        for length in ["65537", "99999999999999999999", "-1", "x", ""] {
            assert_eq!(frames_read(&http1(&[("content-length", length)]), 3, 0), 0, "{length}");
        }
    }

    #[test]
    fn a_body_that_expects_100_continue_is_not_read() {
        let _serial = SERIAL.lock().unwrap_or_else(PoisonError::into_inner);
        let expecting = head(Version::HTTP_11, &[("expect", "100-continue")]);
        assert_eq!(frames_read(&expecting, 3, 0), 0);
    }

    #[test]
    fn permits_are_limited_and_returned() {
        let _serial = SERIAL.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..2 {
            let permits: Vec<_> =
                std::iter::from_fn(DrainPermit::acquire).take(MAX_CONCURRENT + 1).collect();
            assert_eq!(permits.len(), MAX_CONCURRENT);
            assert_eq!(frames_read(&head(Version::HTTP_11, &[]), 3, 0), 0, "no permit is left");
        }
        assert_eq!(frames_read(&head(Version::HTTP_11, &[]), 3, 0), 3);
    }
}
