//! A bound on what a test waits for, so that a guard that waits forever fails it.

use std::time::Duration;

/// Longer than any answer takes, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// What `future` gives, or a failure that says what hangs.
pub(crate) async fn within<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(LIMIT, future).await.unwrap_or_else(|_| panic!("{what} hangs"))
}
