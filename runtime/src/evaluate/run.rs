//! The two steps of running an evaluator, which emit the event of the decision. The guard and the handler check
//! call them.

use std::pin::pin;

use super::{
    evaluator::{Admitted, EvalContext, Evaluator, Progress},
    events::RpcTarget,
    panics::catch_panic,
    rejection::Rejection,
};
use crate::scheme::CallHead;

/// Starts an evaluation. The caller catches panics, because the expressions that build the evaluator may panic
/// as well.
#[inline]
pub(crate) fn start<'a, E: Evaluator>(
    evaluator: &E,
    context: &mut EvalContext<'_>,
    target: impl FnOnce() -> RpcTarget<'a>,
) -> Result<Progress<E::Identity, E::Pending>, Rejection> {
    match evaluator.start(context) {
        Ok(progress) => {
            if let Progress::Admitted(Admitted { by, .. }) = progress {
                target().emit_admitted(by, || evaluator.description());
            }
            Ok(progress)
        }
        Err(rejection) => Err(target().emit_rejected(rejection, || evaluator.description())),
    }
}

/// Completes an evaluation that has to wait. A panic rejects the call.
pub(crate) async fn resume<'a, E: Evaluator>(
    evaluator: &E,
    pending: E::Pending,
    head: &CallHead<'_>,
    target: impl FnOnce() -> RpcTarget<'a> + Send,
) -> Result<E::Identity, Rejection> {
    match catch_panic(pin!(evaluator.resume(pending, head))).await {
        Ok(Admitted { identity, by }) => {
            target().emit_admitted(by, || evaluator.description());
            Ok(identity)
        }
        Err(rejection) => Err(target().emit_rejected(rejection, || evaluator.description())),
    }
}
