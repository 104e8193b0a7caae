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

use crate::evaluate::scheme_check::within;

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
    let permit = DrainPermit::take()?;
    Some(Box::pin(async move {
        let _permit = permit;
        let mut body = pin!(body);
        // Whichever way it ends, the answer is sent.
        within(MAX_TIME, pin!(read_some(body.as_mut())), |_| ()).await;
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
struct DrainPermit;

impl DrainPermit {
    fn take() -> Option<DrainPermit> {
        let more = |taken| (taken < MAX_AT_ONCE).then_some(taken + 1);
        AT_ONCE.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok().map(|_| DrainPermit)
    }
}

impl Drop for DrainPermit {
    fn drop(&mut self) {
        AT_ONCE.fetch_sub(1, Ordering::Relaxed);
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

    /// So many frames of a kibibyte, of `told` bytes as it says itself.
    struct Kibibytes {
        left: usize,
        told: u64,
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
            hint.set_lower(self.told);
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

    /// The tests count the places that are taken in the whole process.
    static ALONE: Mutex<()> = Mutex::new(());

    /// How many of `kibibytes` frames are read of such a call's body.
    fn read_of(parts: &Parts, kibibytes: usize, told: u64) -> usize {
        let read = Arc::default();
        let body = Kibibytes { left: kibibytes, told, read: Arc::clone(&read) };
        if let Some(mut draining) = drain(parts, body) {
            let mut cx = Context::from_waker(std::task::Waker::noop());
            assert!(draining.as_mut().poll(&mut cx).is_ready(), "every frame is ready");
        }
        read.load(Ordering::Relaxed)
    }

    #[test]
    fn a_small_rest_is_read_over_http1_alone() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        for version in [Version::HTTP_10, Version::HTTP_11] {
            assert_eq!(read_of(&head(version, &[]), 3, 0), 3);
            assert_eq!(read_of(&head(version, &[("content-length", "3072")]), 3, 3072), 3);
        }
        assert_eq!(read_of(&head(Version::HTTP_2, &[]), 3, 0), 0);
    }

    #[test]
    fn no_more_than_64_kib_are_read() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let http1 = |headers: &[(&str, &str)]| head(Version::HTTP_11, headers);
        assert_eq!(read_of(&http1(&[]), 65, 0), 64);
        let most = MAX_BYTES as u64;
        assert_eq!(read_of(&http1(&[]), 3, most), 3);
        assert_eq!(read_of(&http1(&[]), 3, most + 1), 0);
        assert_eq!(read_of(&http1(&[("content-length", "65536")]), 3, 0), 3);
        for length in ["65537", "99999999999999999999", "-1", "x", ""] {
            assert_eq!(read_of(&http1(&[("content-length", length)]), 3, 0), 0, "{length}");
        }
    }

    #[test]
    fn who_waits_to_be_told_to_send_isnt_told() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let expecting = head(Version::HTTP_11, &[("expect", "100-continue")]);
        assert_eq!(read_of(&expecting, 3, 0), 0);
    }

    #[test]
    fn there_are_so_many_places_and_each_is_given_back() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..2 {
            let taken: Vec<_> =
                std::iter::from_fn(DrainPermit::take).take(MAX_AT_ONCE + 1).collect();
            assert_eq!(taken.len(), MAX_AT_ONCE);
            assert_eq!(read_of(&head(Version::HTTP_11, &[]), 3, 0), 0, "no place is left");
        }
        assert_eq!(read_of(&head(Version::HTTP_11, &[]), 3, 0), 3);
    }
}
