//! The decision on a call, with the type of the service erased.

use std::{
    marker::PhantomData,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use http::request::Parts;
use tonic::server::NamedService;

use super::{
    guarded::Guarded,
    handoff::{Handoff, ServiceId},
    policy_visitor::{DescribePolicy, EvaluatePolicy},
    state::GuardState,
};
use crate::{
    evaluate::{description::PolicyDescription, panics::catch_panic, rejection::Rejection},
    policy::MethodPolicy,
    scheme::{CallHead, RpcName},
};

/// Decides calls of one service, whose type is erased: the rest of the guard is compiled once, in this crate.
pub(super) trait Decider: Send + Sync {
    fn state(&self) -> &GuardState;

    fn with_domain(&self, domain: &'static str) -> Arc<dyn Decider>;

    /// Evaluates the policy of `method` on the call with this head. The decision returns `self` and `parts`,
    /// so that a call increments the reference count of the decider once.
    fn decide(self: Arc<Self>, parts: Parts, method: &'static MethodPolicy) -> DecisionFuture;

    /// Describes the policy of the method with this key.
    fn describe(&self, method: u32) -> Option<PolicyDescription>;
}

pub(super) type DecisionFuture = Pin<Box<dyn Future<Output = Decision> + Send>>;

/// The decision on a call.
pub(super) struct Decision {
    pub(super) decider: Arc<dyn Decider>,
    pub(super) parts: Parts,
    /// The handoff of an admitted call, or `None` for a method that is open to every caller.
    pub(super) outcome: Result<Option<Handoff>, Rejection>,
}

/// The decider of a service of the type `T` behind the server `S`.
struct ServiceDecider<T, M, S> {
    state: GuardState,
    service: Arc<T>,
    marker: PhantomData<fn() -> (M, S)>,
}

pub(super) fn decider<T, M, S>(service: Arc<T>) -> Arc<dyn Decider>
where
    T: Guarded<M, S> + 'static,
    M: 'static,
    S: NamedService + 'static,
{
    let state = GuardState::new(S::NAME, T::BINDING.methods, |method| describe(&*service, method));
    Arc::new(ServiceDecider { state, service, marker: PhantomData::<fn() -> (M, S)> })
}

impl<T, M, S> Decider for ServiceDecider<T, M, S>
where
    T: Guarded<M, S> + 'static,
    M: 'static,
    S: NamedService + 'static,
{
    fn state(&self) -> &GuardState {
        &self.state
    }

    fn with_domain(&self, domain: &'static str) -> Arc<dyn Decider> {
        let state = self.state.with_domain(domain);
        let service = Arc::clone(&self.service);
        Arc::new(ServiceDecider { state, service, marker: PhantomData::<fn() -> (M, S)> })
    }

    fn decide(self: Arc<Self>, parts: Parts, method: &'static MethodPolicy) -> DecisionFuture {
        // The future is built inside its box. Otherwise it is copied into the box, with room for all its
        // states. (Benchmark: `in-process`.)
        let decision = Box::write(Box::new_uninit(), async move {
            let rpc = RpcName { service: S::NAME, method: method.rpc };
            let head = CallHead::new(&parts.headers, &parts.extensions).with_rpc(rpc);
            let visitor = EvaluatePolicy(head);
            let service = &*self.service;
            // `visit` runs the expressions of the attribute, which may panic as well.
            let evaluated = catch_panic(pin!(service.visit(method.key, &visitor))).await;
            let handoff =
                |identity| Handoff::new(ServiceId::of(service), method.function, identity);
            let outcome = evaluated.map(|identity| identity.map(handoff));
            Decision { decider: self, parts, outcome }
        });
        Box::into_pin(decision)
    }

    fn describe(&self, method: u32) -> Option<PolicyDescription> {
        describe(&*self.service, method)
    }
}

fn describe<T: Guarded<M, S>, M, S>(service: &T, method: u32) -> Option<PolicyDescription> {
    let mut cx = Context::from_waker(Waker::noop());
    match pin!(service.visit(method, DescribePolicy)).poll(&mut cx) {
        Poll::Ready(description) => description,
        // Unreachable: a description awaits nothing.
        Poll::Pending => None,
    }
}
