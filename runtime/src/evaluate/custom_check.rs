//! The custom check `authorize = ..`. That of `authorize_request = ..` runs in the handler check.

use std::pin::Pin;

use super::{
    description::PolicyDescription,
    evaluator::{Admitted, EvalContext, Evaluator, Progress},
    rejection::Rejection,
};
use crate::scheme::CallHead;

/// The future of a custom check. It is boxed, so that its type has a name.
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

/// What an [`Authorized`] waits for.
pub enum AuthorizationPending<I, P> {
    /// The inner evaluator, and then the custom check.
    Evaluator(P),
    /// The custom check of this identity.
    Check(Admitted<I>),
}

impl<E: Evaluator, T: Sync> Evaluator for Authorized<'_, E, T> {
    type Identity = E::Identity;
    type Pending = AuthorizationPending<E::Identity, E::Pending>;

    fn start(
        &self,
        context: &mut EvalContext<'_>,
    ) -> Result<Progress<E::Identity, Self::Pending>, Rejection> {
        Ok(Progress::Waiting(match self.evaluator.start(context)? {
            Progress::Admitted(admitted) => AuthorizationPending::Check(admitted),
            Progress::Waiting(pending) => AuthorizationPending::Evaluator(pending),
        }))
    }

    async fn resume(
        &self,
        pending: Self::Pending,
        head: &CallHead<'_>,
    ) -> Result<Admitted<E::Identity>, Rejection> {
        let admitted = match pending {
            AuthorizationPending::Evaluator(pending) => {
                self.evaluator.resume(pending, head).await?
            }
            AuthorizationPending::Check(admitted) => admitted,
        };
        (self.check)(self.service, &admitted.identity, head).await?;
        Ok(admitted)
    }

    fn description(&self) -> PolicyDescription {
        self.evaluator.description()
    }
}
