//! Panics of user code, which reject the call.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::Poll,
};

use super::rejection::Rejection;

/// Turns a panic of `future` into a rejection. The payload of the panic may contain a secret, so it is
/// dropped.
///
/// The future is pinned by the caller, because moving the large future of an evaluation costs more than the
/// evaluation. (Benchmark: `in-process`.)
pub(crate) fn catch_panic<T, F: Future<Output = Result<T, Rejection>> + ?Sized>(
    mut future: Pin<&mut F>,
) -> impl Future<Output = Result<T, Rejection>> {
    std::future::poll_fn(move |cx| {
        catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)))
            .unwrap_or_else(|_| Poll::Ready(Err(Rejection::internal("a check panicked"))))
    })
}
