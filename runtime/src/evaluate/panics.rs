//! Panics of user code, which reject the call.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::Poll,
};

use super::{
    description::PolicyDescription,
    evaluator::{Admitted, EvalContext, Evaluator},
    rejection::Rejection,
};

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

/// An evaluator that rejects every call if its construction panicked.
pub struct PanicSafe<E>(Option<E>);

/// Builds an evaluator from expressions that may panic, such as a function call or an index.
pub fn panic_safe<E>(build: impl FnOnce() -> E) -> PanicSafe<E> {
    PanicSafe(catch_unwind(AssertUnwindSafe(build)).ok())
}

impl<E: Evaluator> Evaluator for PanicSafe<E> {
    type Identity = E::Identity;

    async fn evaluate(
        &self,
        context: &mut EvalContext<'_>,
    ) -> Result<Admitted<E::Identity>, Rejection> {
        match &self.0 {
            Some(evaluator) => evaluator.evaluate(context).await,
            None => Err(Rejection::internal("an expression of the attribute panicked")),
        }
    }

    fn description(&self) -> PolicyDescription {
        self.0.as_ref().map_or_else(PolicyDescription::empty, Evaluator::description)
    }
}
