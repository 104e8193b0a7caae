//! Visitors of a method's policy: one evaluates it, one describes it.

use std::pin::pin;

use super::handoff::SealedIdentity;
use crate::{
    evaluate::{
        decision::evaluate,
        description::PolicyDescription,
        evaluator::{EvalContext, Evaluator},
        events::RpcTarget,
        rejection::Rejection,
    },
    reason::Reason,
    scheme::CallHead,
};

/// A function over the policy of one method.
#[allow(missing_docs, reason = "generated code alone calls this")]
pub trait PolicyVisitor: Send {
    type Output;

    fn evaluator<E: Evaluator>(
        self,
        policy: u64,
        evaluator: E,
    ) -> impl Future<Output = Self::Output> + Send;
    fn anonymous(self) -> Self::Output;
    fn denied(self) -> Self::Output;
    fn unknown(self) -> Self::Output;
}

/// Evaluates the policy on a call. The identity is `None` for a method that is open to every caller.
///
/// The visitor is implemented for a reference, because a future stores its arguments more than once.
pub(super) struct EvaluatePolicy<'c>(pub(super) CallHead<'c>);

impl PolicyVisitor for &EvaluatePolicy<'_> {
    type Output = Result<Option<SealedIdentity>, Rejection>;

    #[allow(clippy::manual_async_fn, reason = "an `async fn` stores its arguments twice")]
    fn evaluator<E: Evaluator>(
        self,
        policy: u64,
        evaluator: E,
    ) -> impl Future<Output = Self::Output> + Send {
        async move {
            let mut context = EvalContext { head: &self.0, injected: None };
            let target = || RpcTarget::of(&self.0);
            let identity = pin!(evaluate(&evaluator, &mut context, target)).await?;
            Ok(Some(SealedIdentity::new(policy, identity)))
        }
    }

    fn anonymous(self) -> Self::Output {
        Ok(None)
    }

    fn denied(self) -> Self::Output {
        let rejection = Rejection::new(Reason::Denied);
        Err(RpcTarget::of(&self.0).emit_rejected(rejection, PolicyDescription::empty))
    }

    fn unknown(self) -> Self::Output {
        Err(Rejection::internal("a method of the policy table has no policy"))
    }
}

/// Describes the policy. Anonymous and denied methods have no description.
pub(super) struct DescribePolicy;

impl PolicyVisitor for DescribePolicy {
    type Output = Option<PolicyDescription>;

    async fn evaluator<E: Evaluator>(self, _: u64, evaluator: E) -> Option<PolicyDescription> {
        Some(evaluator.description())
    }

    fn anonymous(self) -> Option<PolicyDescription> {
        None
    }

    fn denied(self) -> Option<PolicyDescription> {
        None
    }

    fn unknown(self) -> Option<PolicyDescription> {
        None
    }
}
