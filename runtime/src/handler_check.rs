//! The method's own door: the call that the attribute puts at the top of a method's body.

#![allow(missing_docs, missing_debug_implementations, reason = "generated code alone calls this")]

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
};

use tonic::{Request, Status};

use crate::{
    evaluate::rejection::{DOMAIN, Reason, Refusal},
    evaluate::run::{Site, refusing_panics, run},
    evaluate::{Call, Plan, Verdict, caught},
    guard::handoff::Instance,
    guard::stand_in::StandIn,
    scheme::CallHead,
};

/// What one attribute on one method says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Door {
    /// The policy. Two doors have one number only where one attribute holds for both.
    pub policy: u64,
    /// The function behind the attribute.
    pub method: &'static str,
}

/// What the methods of a service that have one policy and one type of identity share: the plan, for
/// both doors, and the way in.
///
/// To the compiler that is one call in each method, whatever the policy; the plan is checked once.
/// `Marker` is as in [`Guarded`](crate::Guarded).
pub trait Policed<const POLICY: u64, Marker, I>: Sized {
    fn plan(&self) -> impl Plan<Identity = I>;

    /// [`enter`], by the shared plan.
    fn enter(
        &self,
        method: &'static str,
        head: CallHead<'_>,
    ) -> impl Future<Output = Result<I, Status>> + Send {
        enter(self, Door { policy: POLICY, method }, self.plan(), head)
    }

    /// As `enter`, where making the plan may panic.
    fn enter_caught(
        &self,
        method: &'static str,
        head: CallHead<'_>,
    ) -> impl Future<Output = Result<I, Status>> + Send {
        enter(self, Door { policy: POLICY, method }, caught(|| self.plan()), head)
    }
}

/// A method's return type, as a refusal sees it.
#[diagnostic::on_unimplemented(
    message = "a guarded method returns a `Result` whose error is made from `tonic::Status`, not `{Self}`",
    label = "a refused call can't be answered with this type",
    note = "return `Result<Response<_>, Status>`, or implement `From<Status>` for the error"
)]
pub trait Refusable {
    fn refused(status: Status) -> Self;
}

impl<T, E: From<Status>> Refusable for Result<T, E> {
    fn refused(status: Status) -> Self {
        Err(E::from(status))
    }
}

/// The head of a request. Its message type ends here: what follows is built once for a plan.
pub fn head<M>(request: &Request<M>) -> CallHead<'_> {
    CallHead::new(request.metadata().as_ref(), request.extensions())
}

/// Lets the call in by the front door's proof, by the word of code in this process, or by the check.
pub fn enter<T, P: Plan>(
    service: &T,
    door: Door,
    plan: P,
    head: CallHead<'_>,
) -> impl Future<Output = Result<P::Identity, Status>> + Send {
    pass(Instance::of(service), door, plan, head)
}

/// [`enter`], and then the user's own check of the request.
#[allow(
    clippy::manual_async_fn,
    reason = "`Send` is proved here, once, and not in each user's crate"
)]
pub fn enter_with_request<'a, T: Sync, P: Plan + 'a, M: Sync>(
    service: &'a T,
    door: Door,
    plan: P,
    request: &'a Request<M>,
    check: for<'c> fn(&'c T, &'c P::Identity, &'c Request<M>) -> Verdict<'c>,
) -> impl Future<Output = Result<P::Identity, Status>> + Send + 'a {
    async move {
        let head = head(request);
        let identity = pass(Instance::of(service), door, &plan, head).await?;
        let checked =
            refusing_panics(pin!(async { check(service, &identity, request).await })).await;
        match checked {
            Ok(()) => Ok(identity),
            Err(refusal) => {
                let refusal = door.site().report_refused(refusal, || plan.facts());
                Err(told(refusal, &plan, &head))
            }
        }
    }
}

#[allow(clippy::manual_async_fn, reason = "an `async fn` keeps its arguments twice")]
fn pass<P: Plan>(
    instance: Instance,
    door: Door,
    plan: P,
    head: CallHead<'_>,
) -> impl Future<Output = Result<P::Identity, Status>> + Send {
    async move {
        let given = match head.extensions().get() {
            Some(StandIn::Proof(proof, _)) => {
                if let Some(identity) = proof.take(instance, door) {
                    return Ok(identity);
                }
                None
            }
            Some(StandIn::CallAs(called_as)) => called_as.take(),
            None => None,
        };
        let mut call = Call { head: &head, given };
        let decided = pin!(run(&plan, &mut call, || door.site())).await;
        decided.map_err(|refusal| told(refusal, &plan, &head))
    }
}

/// The status that tells the caller of `refusal`.
fn told<P: Plan>(refusal: Refusal, plan: &P, head: &CallHead<'_>) -> Status {
    // What a scheme says of itself may panic as well.
    let describe = || refusal.into_status(&plan.facts(), domain(head), None);
    catch_unwind(AssertUnwindSafe(describe)).unwrap_or_else(|_| Reason::Internal.bare_status())
}

impl Door {
    fn site(&self) -> Site<'_> {
        Site { service: None, method: self.method }
    }
}

/// The `ErrorInfo` domain of the guard that the call came through.
fn domain(head: &CallHead<'_>) -> &'static str {
    match head.extensions().get() {
        Some(StandIn::Proof(_, domain)) => domain,
        _ => DOMAIN,
    }
}
