//! Visitors of a method's policy: two evaluate it, one describes it.

use std::{any::Any, future::ready, pin::Pin};

use super::handoff::SealedIdentity;
use crate::{
    evaluate::{
        description::PolicyDescription,
        evaluator::{EvalContext, Evaluator, Progress},
        events::RpcTarget,
        rejection::Rejection,
        run::{resume, start},
    },
    reason::Reason,
    scheme::CallHead,
};

/// A function over the policy of one method. `'s` is the borrow of the service.
#[allow(missing_docs, reason = "generated code alone calls this")]
pub trait PolicyVisitor<'s> {
    type Output;

    fn evaluator<E: Evaluator + 's>(self, policy: u64, evaluator: E) -> Self::Output;
    fn anonymous(self) -> Self::Output;
    fn denied(self) -> Self::Output;
    fn unknown(self) -> Self::Output;
}

/// How far a call that isn't rejected has come.
pub(super) enum CallProgress {
    /// The identity is `None` for a method that is open to every caller.
    Admitted(Option<SealedIdentity>),
    /// The evaluation has to wait.
    Waiting(PendingEvaluation),
}

/// Where an evaluation is resumed. The type is that of the method's evaluator.
pub(super) type PendingEvaluation = Box<dyn Any + Send>;

/// Starts the evaluation of the policy.
pub(super) struct StartEvaluation<'c>(pub(super) CallHead<'c>);

impl<'s> PolicyVisitor<'s> for StartEvaluation<'_> {
    type Output = Result<CallProgress, Rejection>;

    #[inline]
    fn evaluator<E: Evaluator + 's>(self, policy: u64, evaluator: E) -> Self::Output {
        let mut context = EvalContext { head: &self.0, injected: None };
        Ok(match start(&evaluator, &mut context, || RpcTarget::of(&self.0))? {
            Progress::Admitted(admitted) => {
                CallProgress::Admitted(Some(SealedIdentity::new(policy, admitted.identity)))
            }
            Progress::Waiting(pending) => CallProgress::Waiting(Box::new(pending)),
        })
    }

    fn anonymous(self) -> Self::Output {
        Ok(CallProgress::Admitted(None))
    }

    fn denied(self) -> Self::Output {
        let rejection = Rejection::new(Reason::Denied);
        Err(RpcTarget::of(&self.0).emit_rejected(rejection, PolicyDescription::empty))
    }

    fn unknown(self) -> Self::Output {
        Err(Rejection::internal("a method of the policy table has no policy"))
    }
}

/// Resumes the evaluation of the policy where [`StartEvaluation`] has to wait.
pub(super) struct ResumeEvaluation<'s> {
    pub(super) head: CallHead<'s>,
    pub(super) pending: PendingEvaluation,
}

/// The rest of an evaluation.
pub(super) type EvaluationFuture<'s> =
    Pin<Box<dyn Future<Output = Result<SealedIdentity, Rejection>> + Send + 's>>;

impl<'s> PolicyVisitor<'s> for ResumeEvaluation<'s> {
    type Output = EvaluationFuture<'s>;

    fn evaluator<E: Evaluator + 's>(self, policy: u64, evaluator: E) -> Self::Output {
        let ResumeEvaluation { head, pending } = self;
        match pending.downcast::<E::Pending>() {
            Ok(pending) => {
                // Built inside its box, as in `Decider::resume`.
                let resumed = Box::write(Box::new_uninit(), async move {
                    let target = || RpcTarget::of(&head);
                    let identity = resume(&evaluator, *pending, &head, target).await?;
                    Ok(SealedIdentity::new(policy, identity))
                });
                Box::into_pin(resumed)
            }
            Err(_) => Box::pin(ready(Err(Rejection::internal(
                "an evaluation was resumed by the policy of another method",
            )))),
        }
    }

    fn anonymous(self) -> Self::Output {
        self.unknown()
    }

    fn denied(self) -> Self::Output {
        self.unknown()
    }

    fn unknown(self) -> Self::Output {
        let error = "an evaluation was resumed for a method without a policy";
        Box::pin(ready(Err(Rejection::internal(error))))
    }
}

/// Describes the policy. Anonymous and denied methods have no description.
pub(super) struct DescribePolicy;

impl<'s> PolicyVisitor<'s> for DescribePolicy {
    type Output = Option<PolicyDescription>;

    fn evaluator<E: Evaluator + 's>(self, _: u64, evaluator: E) -> Option<PolicyDescription> {
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
