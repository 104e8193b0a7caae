//! Plans: a policy with its authenticators, ready to be run on a call.
//!
//! The attribute's combinators are types here.

#![allow(missing_docs, missing_debug_implementations, reason = "generated code alone calls this")]
#![allow(
    clippy::manual_async_fn,
    reason = "every call passes the blocks here, and an `async fn` keeps its arguments twice"
)]

mod builder;
pub(crate) mod check_result;
mod combinators;
mod custom_check;
pub(crate) mod identity;
mod optional;
pub(crate) mod rejection;
pub(crate) mod requirement;
pub(crate) mod run;
pub(crate) mod scheme_check;
pub(crate) mod selection;

pub use self::{
    combinators::{all_of, one_of},
    custom_check::{Verdict, authorize, caught, discard},
};
use crate::{
    evaluate::rejection::{Facts, Refusal},
    in_process::Given,
    scheme::CallHead,
};

/// A call as a plan sees it.
pub struct Call<'a> {
    pub(crate) head: &'a CallHead<'a>,
    pub(crate) given: Option<Given>,
}

/// A caller who gets in, and by what.
pub struct Admitted<I> {
    pub(crate) identity: I,
    pub(crate) by: By,
}

/// What let a caller in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The scheme at this place in the policy.
    Scheme(usize),
    /// Every scheme of the policy.
    All,
    /// "Authentication off".
    Bypass,
    /// The word of code in the same process.
    InProcess,
    /// Nothing: the call carries no credentials, and the method is open.
    Nobody,
}

pub trait Plan: Send + Sync {
    type Identity: Send + Sync + 'static;

    fn admit(
        &self,
        call: &mut Call<'_>,
    ) -> impl Future<Output = Result<Admitted<Self::Identity>, Refusal>> + Send;

    fn facts(&self) -> Facts;
}

impl<P: Plan> Plan for &P {
    type Identity = P::Identity;

    fn admit(
        &self,
        call: &mut Call<'_>,
    ) -> impl Future<Output = Result<Admitted<P::Identity>, Refusal>> + Send {
        P::admit(self, call)
    }

    fn facts(&self) -> Facts {
        P::facts(self)
    }
}
