//! The handler check: the call that `#[authenticated]` inserts at the top of a handler.
//!
//! It accepts the handoff of a guard or an injected identity, and otherwise evaluates the policy itself.

#![allow(missing_docs, missing_debug_implementations, reason = "generated code alone calls this")]

pub mod authorized;
pub mod denied;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
};

use tonic::{Request, Status};

use crate::{
    evaluate::{
        custom_check::CheckFuture,
        decision::evaluate,
        evaluator::{EvalContext, Evaluator},
        events::RpcTarget,
        panics::{catch_panic, panic_safe},
        rejection::Rejection,
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
pub trait SharedPolicy<const POLICY: u64, Marker, I>: Sized {
    fn evaluator(&self) -> impl Evaluator<Identity = I>;

    /// [`check_call`] with the shared evaluator.
    fn check_call(
        &self,
        method: &'static str,
        head: CallHead<'_>,
    ) -> impl Future<Output = Result<I, Status>> + Send {
        check_call(self, MethodId { policy: POLICY, method }, self.evaluator(), head)
    }

    /// `check_call` for a policy whose expressions may panic.
    fn check_call_panic_safe(
        &self,
        method: &'static str,
        head: CallHead<'_>,
    ) -> impl Future<Output = Result<I, Status>> + Send {
        let method = MethodId { policy: POLICY, method };
        check_call(self, method, panic_safe(|| self.evaluator()), head)
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

/// Returns the identity of the caller: from the handoff of a guard, or from an evaluation of the policy.
pub fn check_call<T, E: Evaluator>(
    service: &T,
    method: MethodId,
    evaluator: E,
    head: CallHead<'_>,
) -> impl Future<Output = Result<E::Identity, Status>> + Send {
    check(ServiceId::of(service), method, evaluator, head)
}

/// [`check_call`], followed by the custom check of `authorize_request = ..`.
#[allow(
    clippy::manual_async_fn,
    reason = "`Send` is proved here once, and not in the crate of each user"
)]
pub fn check_call_and_request<'a, T: Sync, E: Evaluator + 'a, M: Sync>(
    service: &'a T,
    method: MethodId,
    evaluator: E,
    request: &'a Request<M>,
    custom_check: for<'c> fn(&'c T, &'c E::Identity, &'c Request<M>) -> CheckFuture<'c>,
) -> impl Future<Output = Result<E::Identity, Status>> + Send + 'a {
    async move {
        let head = call_head(request);
        let identity = check(ServiceId::of(service), method, &evaluator, head).await?;
        let checked =
            catch_panic(pin!(async { custom_check(service, &identity, request).await })).await;
        match checked {
            Ok(()) => Ok(identity),
            Err(rejection) => {
                let rejection = target(method).emit_rejected(rejection, || evaluator.description());
                Err(rejection_status(rejection, &evaluator, &head))
            }
        }
    }
}

#[allow(clippy::manual_async_fn, reason = "an `async fn` stores its arguments twice")]
fn check<E: Evaluator>(
    service: ServiceId,
    method: MethodId,
    evaluator: E,
    head: CallHead<'_>,
) -> impl Future<Output = Result<E::Identity, Status>> + Send {
    async move {
        let injected = match head.extensions().get() {
            Some(CallOrigin::Guard { handoff, .. }) => {
                if let Some(identity) = handoff.take(service, method) {
                    return Ok(identity);
                }
                None
            }
            Some(CallOrigin::InProcess(slot)) => slot.take(),
            None => None,
        };
        let mut context = EvalContext { head: &head, injected };
        let evaluated = pin!(evaluate(&evaluator, &mut context, || target(method))).await;
        evaluated.map_err(|rejection| rejection_status(rejection, &evaluator, &head))
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
