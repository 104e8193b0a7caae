//! What is left of a plan where there is a mistake.

use std::marker::PhantomData;

use super::{
    Admitted, Call,
    combinators::Undecided,
    optional::{Choice, Nobody, Ready},
};
use crate::{
    evaluate::identity::{As, Keep},
    evaluate::rejection::{Facts, Refusal},
};

/// What is left of a plan with a mistake in it. The mistake is told where it was made, and what follows
/// is then found here, so that it isn't told again. No code that compiles holds it.
pub struct NotReady<K>(PhantomData<fn() -> K>);

impl<K> NotReady<K> {
    pub(super) const NEW: Self = NotReady(PhantomData);
}

impl NotReady<Undecided> {
    pub fn kept_as<T>(&self) -> NotReady<As<T>> {
        NotReady::NEW
    }

    /// A check of the user's own says which type it reads.
    pub fn kept<T>(&self) -> NotReady<As<T>> {
        NotReady::NEW
    }
}

impl<K: Keep> NotReady<K> {
    #[allow(clippy::panic, reason = "it never compiles")]
    pub fn ready(&self) -> Ready<RefuseAll<K::Kept>> {
        const { panic!("a plan with a mistake in it was built: this is a bug of tonic-guard") }
    }
}

/// Refuses every call.
pub struct RefuseAll<I>(PhantomData<fn() -> I>);

impl<I: Send + Sync + 'static> Choice for RefuseAll<I> {
    type Identity = I;

    async fn choose<N: Nobody>(&self, _: &mut Call<'_>) -> Result<Admitted<N::Of<I>>, Refusal> {
        Err(Refusal::internal("a plan with a mistake in it"))
    }

    fn reads_extensions(&self) -> bool {
        false
    }

    fn facts(&self) -> Facts {
        Facts::none()
    }
}
