//! The decision on a call, with the type of the service erased.

use std::{
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
};

use http::request::Parts;
use tonic::server::NamedService;

use super::{
    guarded::Guarded,
    handoff::SealedIdentity,
    policy_visitor::{
        CallProgress, DescribePolicy, PendingEvaluation, ResumeEvaluation, StartEvaluation,
    },
};
use crate::{
    evaluate::{description::PolicyDescription, events::RpcTarget, rejection::Rejection},
    policy::MethodPolicy,
    scheme::{AuthorizationHeader, CallHead, RpcName},
};

/// Evaluates the policies of one service, whose type is erased: the rest of the guard is compiled once, in this
/// crate.
pub(super) trait Decider: Send + Sync {
    /// Decides a call with this head, or comes as far as it can without waiting.
    fn start(
        &self,
        parts: &Parts,
        authorization: &AuthorizationHeader,
        method: &MethodPolicy,
    ) -> Result<CallProgress, Rejection>;

    /// Completes the decision on a call that has to wait. It returns `parts` with the decision.
    fn resume(
        self: Arc<Self>,
        parts: Parts,
        method: &'static MethodPolicy,
        pending: PendingEvaluation,
    ) -> DecisionFuture;

    /// Describes the policy of the method with this key.
    fn describe(&self, method: u32) -> Option<PolicyDescription>;
}

/// The decision on a call that had to wait, with the head of the call.
pub(super) type DecisionFuture =
    Pin<Box<dyn Future<Output = (Parts, Result<SealedIdentity, Rejection>)> + Send>>;

/// The decider of a service of the type `T` behind the server `S`.
struct ServiceDecider<T, M, S> {
    service: Arc<T>,
    marker: PhantomData<fn() -> (M, S)>,
}

pub(super) fn decider<T, M, S>(service: Arc<T>) -> Arc<dyn Decider>
where
    T: Guarded<M, S> + 'static,
    M: 'static,
    S: NamedService + 'static,
{
    Arc::new(ServiceDecider { service, marker: PhantomData::<fn() -> (M, S)> })
}

impl<T, M, S> Decider for ServiceDecider<T, M, S>
where
    T: Guarded<M, S> + 'static,
    M: 'static,
    S: NamedService + 'static,
{
    fn start(
        &self,
        parts: &Parts,
        authorization: &AuthorizationHeader,
        method: &MethodPolicy,
    ) -> Result<CallProgress, Rejection> {
        let visitor = StartEvaluation(head::<S>(parts, method).with_authorization(authorization));
        // `visit` runs the expressions of the attribute, which may panic as well.
        let started = catch_unwind(AssertUnwindSafe(|| self.service.visit(method.key, visitor)));
        started.unwrap_or_else(|_| Err(self.panicked(parts, method)))
    }

    fn resume(
        self: Arc<Self>,
        parts: Parts,
        method: &'static MethodPolicy,
        pending: PendingEvaluation,
    ) -> DecisionFuture {
        // The future is built inside its box. Otherwise it is copied into the box, with room for all its
        // states. (Benchmark: `in-process`.)
        let resumed = Box::write(Box::new_uninit(), async move {
            let decision = {
                let visitor = ResumeEvaluation { head: head::<S>(&parts, method), pending };
                // It runs the expressions of the attribute again.
                let visit = || self.service.visit(method.key, visitor);
                match catch_unwind(AssertUnwindSafe(visit)) {
                    Ok(evaluation) => evaluation.await,
                    Err(_) => Err(self.panicked(&parts, method)),
                }
            };
            (parts, decision)
        });
        Box::into_pin(resumed)
    }

    fn describe(&self, method: u32) -> Option<PolicyDescription> {
        self.service.visit(method, DescribePolicy)
    }
}

impl<T, M, S> ServiceDecider<T, M, S>
where
    T: Guarded<M, S> + 'static,
    M: 'static,
    S: NamedService + 'static,
{
    /// Emits the event of a call whose evaluation panicked, and returns the rejection.
    #[cold]
    fn panicked(&self, parts: &Parts, method: &MethodPolicy) -> Rejection {
        let description = || self.describe(method.key).unwrap_or_else(PolicyDescription::empty);
        let rejection = Rejection::internal("a check panicked");
        RpcTarget::of(&head::<S>(parts, method)).emit_rejected(rejection, description)
    }
}

/// The head of a call of `method`.
fn head<'p, S: NamedService>(parts: &'p Parts, method: &MethodPolicy) -> CallHead<'p> {
    let rpc = RpcName { service: S::NAME, method: method.rpc };
    CallHead::new(&parts.headers, &parts.extensions).with_rpc(rpc)
}
