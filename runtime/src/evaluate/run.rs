//! The one function that runs a policy on a call. Both doors call it.

use std::{
    error::Error,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    task::Poll,
};

use tonic::Code;

use crate::{
    evaluate::rejection::{Facts, Refusal},
    evaluate::{Admitted, By, Call, Plan},
    scheme::CallHead,
};

/// Where a decision is made, for its event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site<'a> {
    /// The service, where it is known.
    pub(crate) service: Option<&'a str>,
    /// The method: as the caller named it, or the function behind it.
    pub(crate) method: &'a str,
}

/// Runs `plan` on `call`: its identity, or why the caller doesn't get in.
#[allow(clippy::manual_async_fn, reason = "an `async fn` keeps its arguments twice")]
pub(crate) fn run<'a, P: Plan>(
    plan: &'a P,
    call: &'a mut Call<'_>,
    site: impl FnOnce() -> Site<'a> + Send,
) -> impl Future<Output = Result<P::Identity, Refusal>> + Send {
    async move {
        match refusing_panics(pin!(plan.admit(call))).await {
            Ok(Admitted { identity, by }) => {
                site().report_admitted(by, || plan.facts());
                Ok(identity)
            }
            Err(refusal) => Err(site().report_refused(refusal, || plan.facts())),
        }
    }
}

/// Turns a panic of `future` into a refusal. What it panicked with may hold a secret: it is dropped.
///
/// It takes the future where it was pinned: a check's future is large, and moving it costs more than
/// the check.
pub(crate) fn refusing_panics<T, F: Future<Output = Result<T, Refusal>> + ?Sized>(
    mut future: Pin<&mut F>,
) -> impl Future<Output = Result<T, Refusal>> {
    std::future::poll_fn(move |cx| {
        catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)))
            .unwrap_or_else(|_| Poll::Ready(Err(Refusal::internal("a check panicked"))))
    })
}

impl<'a> Site<'a> {
    /// The method that a call names.
    #[inline]
    pub(crate) fn of(head: &CallHead<'a>) -> Self {
        let rpc = head.rpc();
        Site { service: rpc.map(|rpc| rpc.service), method: rpc.map_or("", |rpc| rpc.method) }
    }

    #[inline]
    fn report_admitted(&self, by: By, facts: impl FnOnce() -> Facts) {
        if !tracing::enabled!(target: "tonic_guard", tracing::Level::DEBUG) {
            return;
        }
        // What a caller gets doesn't depend on what is logged: the check is over.
        let facts = || catch_unwind(AssertUnwindSafe(facts)).unwrap_or_else(|_| Facts::none());
        let (outcome, scheme) = match by {
            By::Scheme(leaf) => ("admitted", facts().scheme(Some(leaf))),
            By::All => ("admitted", facts().scheme(None)),
            By::Bypass => ("bypassed", facts().scheme(None)),
            By::InProcess => ("called in process", String::new()),
            By::Nobody => ("anonymous", String::new()),
        };
        tracing::debug!(
            target: "tonic_guard",
            service = self.service,
            method = self.method,
            scheme,
            outcome,
        );
    }

    /// Reports `refusal` and gives it back; another where the report itself panics.
    pub(crate) fn report_refused(
        &self,
        refusal: Refusal,
        facts: impl FnOnce() -> Facts,
    ) -> Refusal {
        let report = || self.report(&refusal, facts);
        match catch_unwind(AssertUnwindSafe(report)) {
            Ok(()) => refusal,
            Err(_) => Refusal::internal("what describes a scheme panicked"),
        }
    }

    fn report(&self, refusal: &Refusal, facts: impl FnOnce() -> Facts) {
        // What a caller does wrong is daily business; what the server can't do is the operator's.
        let operators = matches!(refusal.code(), Code::Unavailable | Code::Internal);
        // A flood of refused calls pays for no event that nobody reads.
        let read = if operators {
            tracing::enabled!(target: "tonic_guard", tracing::Level::ERROR)
        } else {
            tracing::enabled!(target: "tonic_guard", tracing::Level::INFO)
        };
        if !read {
            return;
        }
        let none = None::<&(dyn Error + 'static)>;
        let (scheme, reason, cause) = match refusal {
            Refusal::Ours { reason, leaf, cause } => {
                let facts = facts();
                let cause = cause.as_deref().map(|cause| cause as &(dyn Error + 'static));
                (facts.scheme(*leaf), facts.reason_name(*reason, *leaf), cause)
            }
            Refusal::Theirs(status) => (String::new(), status.code().description(), none),
        };
        if operators {
            tracing::error!(
                target: "tonic_guard",
                service = self.service,
                method = self.method,
                scheme,
                outcome = "refused",
                reason,
                cause,
            );
        } else {
            tracing::info!(
                target: "tonic_guard",
                service = self.service,
                method = self.method,
                scheme,
                outcome = "refused",
                reason,
                cause,
            );
        }
    }
}
