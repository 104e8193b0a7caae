//! The one function that evaluates a policy. The guard and the handler check call it.

use std::pin::pin;

use super::{
    evaluator::{Admitted, EvalContext, Evaluator},
    events::RpcTarget,
    panics::catch_panic,
    rejection::Rejection,
};

/// Evaluates a policy on a call and emits the event of the decision.
pub(crate) fn evaluate<'a, E: Evaluator>(
    evaluator: &'a E,
    context: &'a mut EvalContext<'_>,
    target: impl FnOnce() -> RpcTarget<'a> + Send,
) -> impl Future<Output = Result<E::Identity, Rejection>> + Send {
    async move {
        match catch_panic(pin!(evaluator.evaluate(context))).await {
            Ok(Admitted { identity, by }) => {
                target().emit_admitted(by, || evaluator.description());
                Ok(identity)
            }
            Err(rejection) => Err(target().emit_rejected(rejection, || evaluator.description())),
        }
    }
}
