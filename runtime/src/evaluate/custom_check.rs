//! What stands around a plan: an expression that may panic, an identity that nobody asked for, a check
//! of the user's own.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
};

use super::{Admitted, Call, Plan};
use crate::{
    evaluate::rejection::{Facts, Refusal},
    scheme::CallHead,
};

/// A plan whose expressions may have panicked: then it refuses every call.
pub struct Caught<P>(Option<P>);

/// Makes a plan whose expressions may panic: a call, an index.
pub fn caught<P>(make: impl FnOnce() -> P) -> Caught<P> {
    Caught(catch_unwind(AssertUnwindSafe(make)).ok())
}

impl<P: Plan> Plan for Caught<P> {
    type Identity = P::Identity;

    async fn admit(&self, call: &mut Call<'_>) -> Result<Admitted<P::Identity>, Refusal> {
        match &self.0 {
            Some(plan) => plan.admit(call).await,
            None => Err(Refusal::internal("an expression of the attribute panicked")),
        }
    }

    fn facts(&self) -> Facts {
        self.0.as_ref().map_or_else(Facts::none, Plan::facts)
    }
}

/// As the plan inside, where nobody asked for the identity.
pub struct Discarded<P>(P);

/// Forgets a plan's identity once it is judged.
pub fn discard<P: Plan>(plan: P) -> Discarded<P> {
    Discarded(plan)
}

impl<P: Plan> Plan for Discarded<P> {
    type Identity = ();

    async fn admit(&self, call: &mut Call<'_>) -> Result<Admitted<()>, Refusal> {
        let Admitted { by, .. } = self.0.admit(call).await?;
        Ok(Admitted { identity: (), by })
    }

    fn facts(&self) -> Facts {
        self.0.facts()
    }
}

/// The answer of a check of the user's own, boxed so that its type needs no name.
pub type Verdict<'a> = Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send + 'a>>;

/// A check of the user's own, `authorize = ..`.
pub type Check<T, I> = for<'a> fn(&'a T, &'a I, &'a CallHead<'a>) -> Verdict<'a>;

/// As the plan inside, and then the user's own check.
pub struct Authorized<'s, P: Plan, T> {
    plan: P,
    service: &'s T,
    check: Check<T, P::Identity>,
}

/// Adds the user's own check to a plan.
pub fn authorize<P: Plan, T>(
    plan: P,
    service: &T,
    check: Check<T, P::Identity>,
) -> Authorized<'_, P, T> {
    Authorized { plan, service, check }
}

impl<P: Plan, T: Sync> Plan for Authorized<'_, P, T> {
    type Identity = P::Identity;

    async fn admit(&self, call: &mut Call<'_>) -> Result<Admitted<P::Identity>, Refusal> {
        let head = call.head;
        let admitted = self.plan.admit(call).await?;
        (self.check)(self.service, &admitted.identity, head).await?;
        Ok(admitted)
    }

    fn facts(&self) -> Facts {
        self.plan.facts()
    }
}
