//! What comes of a call without credentials: it is refused, or `optional` lets it in.

use super::{Admitted, By, Call, Plan};
use crate::evaluate::rejection::{Facts, Reason, Refusal};

/// A plan that doesn't say what comes of a call without credentials: `N` does.
pub trait Choice: Send + Sync {
    type Identity: Send + Sync + 'static;

    fn choose<N: Nobody>(
        &self,
        call: &mut Call<'_>,
    ) -> impl Future<Output = Result<Admitted<N::Of<Self::Identity>>, Refusal>> + Send;

    /// Whether a layer of the server leaves the credentials of one of the schemes.
    fn reads_extensions(&self) -> bool;

    fn facts(&self) -> Facts;
}

/// What comes of a call without credentials.
pub trait Nobody {
    type Of<I: Send + Sync + 'static>: Send + Sync + 'static;

    fn somebody<I: Send + Sync + 'static>(identity: I) -> Self::Of<I>;

    fn nobody<I: Send + Sync + 'static>(
        choice: &impl Choice<Identity = I>,
    ) -> Result<Admitted<Self::Of<I>>, Refusal>;
}

/// It is refused.
struct Refuse;

impl Nobody for Refuse {
    type Of<I: Send + Sync + 'static> = I;

    fn somebody<I: Send + Sync + 'static>(identity: I) -> I {
        identity
    }

    fn nobody<I: Send + Sync + 'static>(
        _: &impl Choice<Identity = I>,
    ) -> Result<Admitted<I>, Refusal> {
        Err(Refusal::new(Reason::Missing))
    }
}

/// It gets in.
struct LetIn;

impl Nobody for LetIn {
    type Of<I: Send + Sync + 'static> = Option<I>;

    fn somebody<I: Send + Sync + 'static>(identity: I) -> Option<I> {
        Some(identity)
    }

    fn nobody<I: Send + Sync + 'static>(
        choice: &impl Choice<Identity = I>,
    ) -> Result<Admitted<Option<I>>, Refusal> {
        // The attribute refuses `FromExtensions` here by its name; this is for any other name. A
        // layer that isn't mounted leaves nothing, and must not open the method.
        if choice.reads_extensions() {
            return Err(Refusal::new(Reason::Missing));
        }
        Ok(Admitted { identity: None, by: By::Nobody })
    }
}

/// A choice that lets nobody in without credentials.
pub struct Ready<C>(pub(super) C);

impl<C> Ready<C> {
    pub fn optional(self) -> Optional<C> {
        Optional(self.0)
    }
}

/// As the choice inside, but a call without credentials gets in.
pub struct Optional<C>(C);

impl<C: Choice> Plan for Ready<C> {
    type Identity = C::Identity;

    fn admit(
        &self,
        call: &mut Call<'_>,
    ) -> impl Future<Output = Result<Admitted<C::Identity>, Refusal>> + Send {
        self.0.choose::<Refuse>(call)
    }

    fn facts(&self) -> Facts {
        self.0.facts()
    }
}

impl<C: Choice> Plan for Optional<C> {
    type Identity = Option<C::Identity>;

    fn admit(
        &self,
        call: &mut Call<'_>,
    ) -> impl Future<Output = Result<Admitted<Self::Identity>, Refusal>> + Send {
        self.0.choose::<LetIn>(call)
    }

    fn facts(&self) -> Facts {
        self.0.facts()
    }
}
