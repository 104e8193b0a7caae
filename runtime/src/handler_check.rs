//! The handler check: the call that `#[authenticated]` inserts at the top of a handler.
//!
//! It accepts the handoff of a guard or an injected identity, and otherwise evaluates the policy itself.

#![allow(missing_docs, missing_debug_implementations, reason = "generated code alone calls this")]

pub mod authorized;
pub mod denied;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use tonic::{Request, Status};

use crate::{
    evaluate::{
        custom_check::CheckFuture,
        description::PolicyDescription,
        evaluator::{EvalContext, Evaluator, Progress},
        events::RpcTarget,
        injected_identity::InjectedIdentity,
        panics::catch_panic,
        rejection::Rejection,
        run::{resume, start},
    },
    guard::handoff::{CallOrigin, MethodId, ServiceId},
    reason::{DOMAIN, Reason},
    scheme::CallHead,
};

/// A policy that methods of a service share, with the evaluator for the guard and the handler checks.
///
/// `POLICY` identifies the policy, and `I` is the identity that the methods receive. `Marker` distinguishes
/// the impls of one type, as in [`Guarded`](crate::Guarded).
///
/// It keeps compile times low: the compiler checks the evaluator once, and each method contains one call.
pub trait SharedPolicy<const POLICY: u64, Marker: 'static, I: 'static>: Sized {
    fn evaluator(&self) -> impl Evaluator<Identity = I>;

    /// [`check_call`] with the shared evaluator.
    #[inline]
    fn check_call<'a>(&'a self, method: &'static str, head: CallHead<'a>) -> CallCheck<'a, I> {
        check_call(self, MethodId { policy: POLICY, method }, || self.evaluator(), head)
    }
}

/// The return type of a guarded method.
#[diagnostic::on_unimplemented(
    message = "expected a guarded method that returns a `Result` whose error implements `From<tonic::Status>`, found `{Self}`",
    label = "a rejected call can't return this type",
    note = "return `Result<Response<_>, Status>`, or implement `From<Status>` for the error"
)]
pub trait HandlerOutput {
    fn rejected(status: Status) -> Self;
}

impl<T, E: From<Status>> HandlerOutput for Result<T, E> {
    fn rejected(status: Status) -> Self {
        Err(E::from(status))
    }
}

/// The call head of a request. It drops the type of the message, so that the functions below are compiled
/// once per evaluator and not once per message.
pub fn call_head<M>(request: &Request<M>) -> CallHead<'_> {
    CallHead::new(request.metadata().as_ref(), request.extensions())
}

/// The future of [`check_call`]: the identity of the caller, or the status of the rejection.
///
/// Most calls are decided when it is created. The rest of another evaluation is in a box, so that the future of
/// every handler stays small.
#[must_use]
pub struct CallCheck<'a, I>(CallCheckState<'a, I>);

enum CallCheckState<'a, I> {
    Decided(Option<Result<I, Status>>),
    Waiting(Pin<Box<dyn Future<Output = Result<I, Status>> + Send + 'a>>),
}

// No identity is pinned.
impl<I> Unpin for CallCheck<'_, I> {}

impl<I> Future for CallCheck<'_, I> {
    type Output = Result<I, Status>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            CallCheckState::Decided(decision) => {
                // `None` is unreachable: a future isn't polled after it has completed.
                decision.take().map_or(Poll::Pending, Poll::Ready)
            }
            CallCheckState::Waiting(waiting) => waiting.as_mut().poll(cx),
        }
    }
}

/// Returns the identity of the caller: from the handoff of a guard, or from an evaluation of the policy.
///
/// `evaluator` runs the expressions of the attribute, so a call with a handoff doesn't need it.
#[inline]
pub fn check_call<'a, T, E: Evaluator + 'a>(
    service: &T,
    method: MethodId,
    evaluator: impl Fn() -> E,
    head: CallHead<'a>,
) -> CallCheck<'a, E::Identity> {
    let injected = match head.extensions().get() {
        Some(CallOrigin::Guard { handoff, .. }) => {
            if let Some(identity) = handoff.take(ServiceId::of(service), method) {
                return CallCheck(CallCheckState::Decided(Some(Ok(identity))));
            }
            None
        }
        Some(CallOrigin::InProcess(slot)) => slot.take(),
        None => None,
    };
    CallCheck(evaluate(method, evaluator, head, injected))
}

fn evaluate<'a, E: Evaluator + 'a>(
    method: MethodId,
    evaluator: impl Fn() -> E,
    head: CallHead<'a>,
    injected: Option<InjectedIdentity>,
) -> CallCheckState<'a, E::Identity> {
    let decide = || {
        let evaluator = evaluator();
        let mut context = EvalContext { head: &head, injected };
        match start(&evaluator, &mut context, || target(method)) {
            Ok(Progress::Admitted(admitted)) => {
                CallCheckState::Decided(Some(Ok(admitted.identity)))
            }
            Ok(Progress::Waiting(pending)) => CallCheckState::Waiting(Box::pin(async move {
                let resumed = resume(&evaluator, pending, &head, || target(method)).await;
                resumed.map_err(|rejection| rejection_status(rejection, &evaluator, &head))
            })),
            Err(rejection) => CallCheckState::Decided(Some(Err(rejection.into_status(
                &evaluator.description(),
                error_domain(&head),
                None,
            )))),
        }
    };
    catch_unwind(AssertUnwindSafe(decide))
        .unwrap_or_else(|_| CallCheckState::Decided(Some(Err(panicked(method, evaluator)))))
}

/// Emits the event of a call whose check panicked, and returns its status.
#[cold]
fn panicked<E: Evaluator>(method: MethodId, evaluator: impl Fn() -> E) -> Status {
    let rejection = Rejection::internal("a check panicked");
    // The expression that panicked may panic again.
    let description = || {
        catch_unwind(AssertUnwindSafe(|| evaluator().description()))
            .unwrap_or_else(|_| PolicyDescription::empty())
    };
    target(method).emit_rejected(rejection, description);
    Reason::Internal.bare_status()
}

/// [`check_call`], followed by the custom check of `authorize_request = ..`.
#[allow(
    clippy::manual_async_fn,
    reason = "`Send` is proved here once, and not in the crate of each user"
)]
pub fn check_call_and_request<'a, T: Sync, E: Evaluator + 'a, M: Sync>(
    service: &'a T,
    method: MethodId,
    evaluator: impl Fn() -> E + Send + 'a,
    request: &'a Request<M>,
    custom_check: for<'c> fn(&'c T, &'c E::Identity, &'c Request<M>) -> CheckFuture<'c>,
) -> impl Future<Output = Result<E::Identity, Status>> + Send + 'a {
    async move {
        let head = call_head(request);
        let identity = check_call(service, method, &evaluator, head).await?;
        let checked =
            catch_panic(pin!(async { custom_check(service, &identity, request).await })).await;
        match checked {
            Ok(()) => Ok(identity),
            Err(rejection) => {
                let status = || {
                    let evaluator = evaluator();
                    let description = || evaluator.description();
                    let rejection = target(method).emit_rejected(rejection, description);
                    rejection_status(rejection, &evaluator, &head)
                };
                Err(catch_unwind(AssertUnwindSafe(status))
                    .unwrap_or_else(|_| Reason::Internal.bare_status()))
            }
        }
    }
}

fn rejection_status<E: Evaluator>(
    rejection: Rejection,
    evaluator: &E,
    head: &CallHead<'_>,
) -> Status {
    // The description runs methods of the user's schemes, which may panic as well.
    let status = || rejection.into_status(&evaluator.description(), error_domain(head), None);
    catch_unwind(AssertUnwindSafe(status)).unwrap_or_else(|_| Reason::Internal.bare_status())
}

/// The target of events. tonic passes the name of the service to no handler.
fn target(method: MethodId) -> RpcTarget<'static> {
    RpcTarget { service: None, method: method.method }
}

/// The `ErrorInfo` domain of the guard that the call has passed.
fn error_domain(head: &CallHead<'_>) -> &'static str {
    match head.extensions().get() {
        Some(CallOrigin::Guard { error_domain, .. }) => error_domain,
        _ => DOMAIN,
    }
}
