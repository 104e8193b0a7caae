//! Calls without credentials: a required policy rejects them, an optional one admits them.

use super::{
    description::PolicyDescription,
    evaluator::{Admitted, AdmittedBy, EvalContext, Evaluator},
    rejection::Rejection,
};
use crate::reason::Reason;

/// Alternative schemes, of which a call may use one.
///
/// `M` chooses what happens to a call without credentials.
pub trait Alternatives: Send + Sync {
    type Identity: Send + Sync + 'static;

    fn evaluate_with<M: MissingCredentials>(
        &self,
        context: &mut EvalContext<'_>,
    ) -> impl Future<Output = Result<Admitted<M::Output<Self::Identity>>, Rejection>> + Send;

    /// Whether one of the schemes reads credentials from the extensions of the call.
    fn reads_extensions(&self) -> bool;

    fn description(&self) -> PolicyDescription;
}

/// What happens to a call without credentials.
pub trait MissingCredentials {
    type Output<I: Send + Sync + 'static>: Send + Sync + 'static;

    /// The output for a call with credentials.
    fn authenticated<I: Send + Sync + 'static>(identity: I) -> Self::Output<I>;

    /// The result for a call without credentials.
    fn unauthenticated<I: Send + Sync + 'static>(
        alternatives: &impl Alternatives<Identity = I>,
    ) -> Result<Admitted<Self::Output<I>>, Rejection>;
}

/// Rejects a call without credentials.
struct RejectMissing;

impl MissingCredentials for RejectMissing {
    type Output<I: Send + Sync + 'static> = I;

    fn authenticated<I: Send + Sync + 'static>(identity: I) -> I {
        identity
    }

    fn unauthenticated<I: Send + Sync + 'static>(
        _: &impl Alternatives<Identity = I>,
    ) -> Result<Admitted<I>, Rejection> {
        Err(Rejection::new(Reason::Missing))
    }
}

/// Admits a call without credentials, as an anonymous caller.
struct AdmitMissing;

impl MissingCredentials for AdmitMissing {
    type Output<I: Send + Sync + 'static> = Option<I>;

    fn authenticated<I: Send + Sync + 'static>(identity: I) -> Option<I> {
        Some(identity)
    }

    fn unauthenticated<I: Send + Sync + 'static>(
        alternatives: &impl Alternatives<Identity = I>,
    ) -> Result<Admitted<Option<I>>, Rejection> {
        // The attribute rejects `FromExtensions` under `optional` by its name. This rejects every scheme
        // that reads extensions, because a layer that isn't mounted must not open the method.
        if alternatives.reads_extensions() {
            return Err(Rejection::new(Reason::Missing));
        }
        Ok(Admitted { identity: None, by: AdmittedBy::Anonymous })
    }
}

/// An evaluator that rejects calls without credentials.
pub struct Required<A>(pub(super) A);

impl<A> Required<A> {
    /// Admits calls without credentials.
    pub fn optional(self) -> Optional<A> {
        Optional(self.0)
    }
}

/// An evaluator that admits calls without credentials.
pub struct Optional<A>(A);

impl<A: Alternatives> Evaluator for Required<A> {
    type Identity = A::Identity;

    fn evaluate(
        &self,
        context: &mut EvalContext<'_>,
    ) -> impl Future<Output = Result<Admitted<A::Identity>, Rejection>> + Send {
        self.0.evaluate_with::<RejectMissing>(context)
    }

    fn description(&self) -> PolicyDescription {
        self.0.description()
    }
}

impl<A: Alternatives> Evaluator for Optional<A> {
    type Identity = Option<A::Identity>;

    fn evaluate(
        &self,
        context: &mut EvalContext<'_>,
    ) -> impl Future<Output = Result<Admitted<Self::Identity>, Rejection>> + Send {
        self.0.evaluate_with::<AdmitMissing>(context)
    }

    fn description(&self) -> PolicyDescription {
        self.0.description()
    }
}
