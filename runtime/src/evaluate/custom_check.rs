//! Custom checks: the functions of `authorize = ..` and `authorize_request = ..`.

use std::pin::Pin;

use super::{
    description::PolicyDescription,
    evaluator::{Admitted, EvalContext, Evaluator},
    rejection::Rejection,
};
use crate::scheme::CallHead;

/// The future of a custom check. It is boxed, so that generated code needn't name its type.
pub type CheckFuture<'a> = Pin<Box<dyn Future<Output = Result<(), Rejection>> + Send + 'a>>;

/// The function of `authorize = ..`.
pub type CustomCheck<T, I> = for<'a> fn(&'a T, &'a I, &'a CallHead<'a>) -> CheckFuture<'a>;

/// An evaluator that runs a custom check after the inner evaluator.
pub struct Authorized<'s, E: Evaluator, T> {
    evaluator: E,
    service: &'s T,
    check: CustomCheck<T, E::Identity>,
}

/// Adds a custom check to an evaluator.
pub fn authorize<E: Evaluator, T>(
    evaluator: E,
    service: &T,
    check: CustomCheck<T, E::Identity>,
) -> Authorized<'_, E, T> {
    Authorized { evaluator, service, check }
}

impl<E: Evaluator, T: Sync> Evaluator for Authorized<'_, E, T> {
    type Identity = E::Identity;

    async fn evaluate(
        &self,
        context: &mut EvalContext<'_>,
    ) -> Result<Admitted<E::Identity>, Rejection> {
        let head = context.head;
        let admitted = self.evaluator.evaluate(context).await?;
        (self.check)(self.service, &admitted.identity, head).await?;
        Ok(admitted)
    }

    fn description(&self) -> PolicyDescription {
        self.evaluator.description()
    }
}
