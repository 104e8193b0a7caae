//! Bounded waiting: a test that hangs fails, and names the step that hung.

use std::time::Duration;

/// Far longer than any step of a test takes, even on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(180);

/// Awaits `future`.
///
/// # Panics
/// When it takes longer than [`LIMIT`].
pub async fn within<F: Future>(what: &str, future: F) -> F::Output {
    within_limit(what, LIMIT, future).await
}

/// Awaits `future`.
///
/// # Panics
/// When it takes longer than `limit`.
#[allow(clippy::panic, reason = "a test fixture")]
pub async fn within_limit<F: Future>(what: &str, limit: Duration, future: F) -> F::Output {
    match tokio::time::timeout(limit, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what} took longer than {limit:?}"),
    }
}

/// Waits until `condition` holds.
///
/// # Panics
/// When it doesn't within [`LIMIT`].
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    within(what, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}
