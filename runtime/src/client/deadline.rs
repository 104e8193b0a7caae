//! The deadline of a call: its `grpc-timeout`, which spans all attempts.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
/// The largest number that the header can hold, in any unit.
const MAX_VALUE: u128 = 99_999_999;

/// The time at which a call, or a fetch that calls wait for, must have ended.
///
/// A call without `grpc-timeout` has no deadline.
#[derive(Clone, Copy)]
pub(super) struct Deadline(Option<Instant>);

impl Deadline {
    /// Reads the `grpc-timeout` of a call that starts now.
    ///
    /// An invalid header gives no deadline. It is sent unchanged, as tonic's channel does.
    pub(super) fn from_headers(headers: &HeaderMap) -> Self {
        let timeout = headers.get(&GRPC_TIMEOUT).and_then(|value| parse(value.as_bytes()));
        Deadline(timeout.and_then(|timeout| Instant::now().checked_add(timeout)))
    }

    /// Runs `future`; returns `None` if the deadline passes first.
    pub(super) async fn bound<F: Future>(self, future: F) -> Option<F::Output> {
        match self.0 {
            Some(at) => tokio::time::timeout_at(at, future).await.ok(),
            None => Some(future.await),
        }
    }

    /// Returns true if `time` is before the deadline.
    pub(super) fn leaves_time_at(self, time: Instant) -> bool {
        self.0.is_none_or(|at| time < at)
    }

    /// Sets `grpc-timeout` to the remaining time, for the server and for tonic's channel.
    pub(super) fn write_to(self, headers: &mut HeaderMap) {
        if let Some(at) = self.0 {
            let left = at.saturating_duration_since(Instant::now());
            headers.insert(GRPC_TIMEOUT, format(left));
        }
    }
}

/// Parses the `TimeoutValue TimeoutUnit` of gRPC over HTTP/2: at most eight digits and a unit.
fn parse(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(match unit {
        b'H' => Duration::from_secs(number * 3600),
        b'M' => Duration::from_secs(number * 60),
        b'S' => Duration::from_secs(number),
        b'm' => Duration::from_millis(number),
        b'u' => Duration::from_micros(number),
        b'n' => Duration::from_nanos(number),
        _ => return None,
    })
}

/// Formats a timeout in the finest unit that can hold it, rounded down.
///
/// Rounded down, because the server must not get more time than is left.
fn format(timeout: Duration) -> HeaderValue {
    let nanos = timeout.as_nanos();
    let (number, unit) = [(1, 'n'), (1_000, 'u'), (1_000_000, 'm'), (1_000_000_000, 'S')]
        .into_iter()
        .map(|(size, unit)| (nanos / size, unit))
        .find(|(number, _)| *number <= MAX_VALUE)
        .unwrap_or((nanos / 3_600_000_000_000, 'H'));
    // Digits and a letter are always a valid header value.
    HeaderValue::try_from(format!("{}{unit}", number.min(MAX_VALUE)))
        .unwrap_or_else(|_| HeaderValue::from_static("0n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_parsed() {
        for (text, expected) in [
            ("3H", Duration::from_secs(10_800)),
            ("1M", Duration::from_secs(60)),
            ("42S", Duration::from_secs(42)),
            ("13m", Duration::from_millis(13)),
            ("2u", Duration::from_micros(2)),
            ("99999999n", Duration::from_nanos(99_999_999)),
            ("0S", Duration::ZERO),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(expected), "{text}");
        }
    }

    #[test]
    fn malformed_timeout_gives_no_deadline() {
        for text in ["", "S", "1", "1x", "123456789S", "-1S", "+1S", " 1S", "1 S", "1.5S"] {
            assert_eq!(parse(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn formatted_timeout_is_never_longer_than_the_remaining_time() {
        for nanos in [
            0,
            1,
            99_999_999,
            100_000_000,
            1_234_567_891,
            99_999_999_999,
            100_000_000_000,
            86_400_000_000_000,
            99_999_999_000_000_000,
            u64::MAX,
        ] {
            let timeout = Duration::from_nanos(nanos);
            let parsed = parse(format(timeout).as_bytes()).unwrap();
            assert!(parsed <= timeout, "{timeout:?}: {parsed:?}");
            let lost = (timeout - parsed).as_secs_f64();
            assert!(lost <= timeout.as_secs_f64() / 1e6, "{timeout:?}: {parsed:?}");
        }
        assert_eq!(format(Duration::MAX).as_bytes(), b"99999999H");
    }
}
