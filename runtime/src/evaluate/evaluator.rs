//! The trait of evaluators, their input and their output.

use super::{
    description::PolicyDescription, injected_identity::InjectedIdentity, rejection::Rejection,
};
use crate::scheme::CallHead;

/// The input of an evaluation.
pub struct EvalContext<'a> {
    pub(crate) head: &'a CallHead<'a>,
    /// Replaces the result of the authenticators, if code of this process supplies it.
    pub(crate) injected: Option<InjectedIdentity>,
}

/// The identity of an admitted caller, and what admitted the caller.
pub struct Admitted<I> {
    pub(crate) identity: I,
    pub(crate) by: AdmittedBy,
}

/// What admitted a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdmittedBy {
    /// The scheme with this index in the policy.
    Scheme(usize),
    /// All schemes of the policy.
    AllSchemes,
    /// The `bypass` of an authenticator.
    Bypass,
    /// An injected identity.
    InjectedIdentity,
    /// `optional`: the call carries no credentials.
    Anonymous,
}

/// A policy with its authenticators and custom check, ready to run on a call.
pub trait Evaluator: Send + Sync {
    type Identity: Send + Sync + 'static;

    fn evaluate(
        &self,
        context: &mut EvalContext<'_>,
    ) -> impl Future<Output = Result<Admitted<Self::Identity>, Rejection>> + Send;

    fn description(&self) -> PolicyDescription;
}

impl<E: Evaluator> Evaluator for &E {
    type Identity = E::Identity;

    fn evaluate(
        &self,
        context: &mut EvalContext<'_>,
    ) -> impl Future<Output = Result<Admitted<E::Identity>, Rejection>> + Send {
        E::evaluate(self, context)
    }

    fn description(&self) -> PolicyDescription {
        E::description(self)
    }
}
