//! Calls without credentials: a required policy rejects them, an optional one admits them.

use super::{
    description::PolicyDescription,
    evaluator::{Admitted, AdmittedBy, EvalContext, Evaluator, Progress},
    rejection::Rejection,
};
use crate::{reason::Reason, scheme::CallHead};

/// The start of an evaluation of alternatives. `None`: the call carries no credentials.
pub type Started<I, P> = Result<Option<Progress<I, P>>, Rejection>;

/// Alternative schemes, of which a call may use one.
pub trait Alternatives: Send + Sync {
    type Identity: Send + Sync + 'static;
    type Pending: Send + 'static;

    /// Starts the evaluation.
    fn start(&self, context: &mut EvalContext<'_>) -> Started<Self::Identity, Self::Pending>;

    /// Completes an evaluation that has to wait.
    fn resume(
        &self,
        pending: Self::Pending,
    ) -> impl Future<Output = Result<Admitted<Self::Identity>, Rejection>> + Send;

    /// Whether one of the schemes reads credentials from the extensions of the call.
    fn reads_extensions(&self) -> bool;

    fn description(&self) -> PolicyDescription;
}

/// An evaluator that rejects calls without credentials.
pub struct Required<A>(pub(super) A);

impl<A> Required<A> {
    /// Admits calls without credentials.
    pub fn optional(self) -> Optional<A> {
        Optional(self.0)
    }
}

/// An evaluator that admits calls without credentials, as anonymous callers.
pub struct Optional<A>(A);

impl<A: Alternatives> Evaluator for Required<A> {
    type Identity = A::Identity;
    type Pending = A::Pending;

    #[inline]
    fn start(
        &self,
        context: &mut EvalContext<'_>,
    ) -> Result<Progress<A::Identity, A::Pending>, Rejection> {
        self.0.start(context)?.ok_or_else(|| Rejection::new(Reason::Missing))
    }

    fn resume(
        &self,
        pending: A::Pending,
        _: &CallHead<'_>,
    ) -> impl Future<Output = Result<Admitted<A::Identity>, Rejection>> + Send {
        self.0.resume(pending)
    }

    fn description(&self) -> PolicyDescription {
        self.0.description()
    }
}

impl<A: Alternatives> Evaluator for Optional<A> {
    type Identity = Option<A::Identity>;
    type Pending = A::Pending;

    fn start(
        &self,
        context: &mut EvalContext<'_>,
    ) -> Result<Progress<Self::Identity, A::Pending>, Rejection> {
        match self.0.start(context)? {
            Some(progress) => Ok(progress.map(Some)),
            // The attribute rejects `FromExtensions` under `optional` by its name. This rejects every scheme
            // that reads extensions, because a layer that isn't mounted must not open the method.
            None if self.0.reads_extensions() => Err(Rejection::new(Reason::Missing)),
            None => Ok(Progress::Admitted(Admitted { identity: None, by: AdmittedBy::Anonymous })),
        }
    }

    async fn resume(
        &self,
        pending: A::Pending,
        _: &CallHead<'_>,
    ) -> Result<Admitted<Self::Identity>, Rejection> {
        let Admitted { identity, by } = self.0.resume(pending).await?;
        Ok(Admitted { identity: Some(identity), by })
    }

    fn description(&self) -> PolicyDescription {
        self.0.description()
    }
}
