//! The trait of evaluators, their input and their output.
//!
//! An evaluation has two steps. [`start`](Evaluator::start) extracts the credentials, selects the scheme and
//! asks authenticators that can answer at once. It decides most calls, and needs no future. If it has to wait,
//! it returns what it has reached, and [`resume`](Evaluator::resume) continues there. So a call whose
//! verification waits is decided by the same code, and no authenticator decides twice.

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

/// How far an evaluation that hasn't rejected the call has come.
pub enum Progress<I, P> {
    Admitted(Admitted<I>),
    /// It has to wait: where to resume it.
    Waiting(P),
}

impl<I, P> Progress<I, P> {
    /// Converts the identity of an admitted caller.
    #[inline]
    pub(super) fn map<J>(self, convert: impl FnOnce(I) -> J) -> Progress<J, P> {
        match self {
            Progress::Admitted(Admitted { identity, by }) => {
                Progress::Admitted(Admitted { identity: convert(identity), by })
            }
            Progress::Waiting(pending) => Progress::Waiting(pending),
        }
    }
}

/// A policy with its authenticators and custom check, ready to run on a call.
pub trait Evaluator: Send + Sync {
    type Identity: Send + Sync + 'static;

    /// Where an evaluation that has to wait is resumed: the credentials, or the identity for a custom check.
    ///
    /// It outlives the evaluator, so that a guard can build the evaluator again in the future that waits.
    type Pending: Send + 'static;

    /// Evaluates the policy as far as possible without waiting.
    fn start(
        &self,
        context: &mut EvalContext<'_>,
    ) -> Result<Progress<Self::Identity, Self::Pending>, Rejection>;

    /// Completes an evaluation that has to wait. `head` is the head of the same call.
    fn resume(
        &self,
        pending: Self::Pending,
        head: &CallHead<'_>,
    ) -> impl Future<Output = Result<Admitted<Self::Identity>, Rejection>> + Send;

    fn description(&self) -> PolicyDescription;
}
