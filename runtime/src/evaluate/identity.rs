//! Conversion of an authenticator's identity into the type that the handler receives.

use std::marker::PhantomData;

use super::{
    description::PolicyDescription,
    evaluator::{Admitted, EvalContext, Evaluator, Progress},
    rejection::Rejection,
};
use crate::scheme::CallHead;

/// The type of an `#[identity]` parameter, made from the identity `I` of an authenticator.
///
/// It is implemented for `I` itself and for every type with `From<I>`; don't implement it by hand. It converts
/// the identities of the alternatives of `one_of` into one type.
#[diagnostic::on_unimplemented(
    message = "the authenticator's identity `{I}` can't be converted into the type `{Self}` of the `#[identity]` parameter",
    label = "expected `{I}` or a type that implements `From<{I}>`",
    note = "change the type of the parameter to `{I}`, or implement `From<{I}>` for `{Self}`"
)]
pub trait FromIdentity<I> {
    /// Converts the identity.
    fn from_identity(identity: I) -> Self;
}

#[diagnostic::do_not_recommend]
impl<I, T: From<I>> FromIdentity<I> for T {
    fn from_identity(identity: I) -> Self {
        T::from(identity)
    }
}

/// The type of an `#[identity]` parameter under `optional`: an `Option`.
#[diagnostic::on_unimplemented(
    message = "expected an `Option` as the type of the `#[identity]` parameter under `optional`, found `{Self}`",
    label = "write `Option<{Self}>`"
)]
pub trait OptionalIdentity: Sized {
    /// The type inside the `Option`.
    type Inner: Send + Sync + 'static;

    /// Returns `option` as a `Self`, in code that doesn't know yet that `Self` is an `Option`.
    fn from_option(option: Option<Self::Inner>) -> Self;
}

impl<T: Send + Sync + 'static> OptionalIdentity for Option<T> {
    type Inner = T;

    fn from_option(option: Option<T>) -> Self {
        option
    }
}

/// The conversion that follows the checks of an identity.
pub trait Conversion: Send + Sync {
    type Output: Send + Sync + 'static;
}

/// A [`Conversion`] of the identity `I`.
pub trait ConvertFrom<I>: Conversion {
    fn convert(identity: I) -> Self::Output;
}

/// Converts the identity into a `T`.
pub struct ConvertTo<T>(PhantomData<fn() -> T>);

/// Drops the identity, because neither the handler nor a custom check reads it.
pub struct Discard;

impl<T: Send + Sync + 'static> Conversion for ConvertTo<T> {
    type Output = T;
}

impl<I, T: FromIdentity<I> + Send + Sync + 'static> ConvertFrom<I> for ConvertTo<T> {
    fn convert(identity: I) -> T {
        T::from_identity(identity)
    }
}

impl Conversion for Discard {
    type Output = ();
}

impl<I> ConvertFrom<I> for Discard {
    fn convert(_: I) {}
}

/// An evaluator that drops the identity of the inner evaluator.
pub struct DiscardIdentity<E>(E);

/// Drops the identity of an evaluator, because only the custom check reads it.
pub fn discard_identity<E: Evaluator>(evaluator: E) -> DiscardIdentity<E> {
    DiscardIdentity(evaluator)
}

impl<E: Evaluator> Evaluator for DiscardIdentity<E> {
    type Identity = ();
    type Pending = E::Pending;

    fn start(&self, context: &mut EvalContext<'_>) -> Result<Progress<(), E::Pending>, Rejection> {
        Ok(self.0.start(context)?.map(drop))
    }

    async fn resume(
        &self,
        pending: E::Pending,
        head: &CallHead<'_>,
    ) -> Result<Admitted<()>, Rejection> {
        let Admitted { by, .. } = self.0.resume(pending, head).await?;
        Ok(Admitted { identity: (), by })
    }

    fn description(&self) -> PolicyDescription {
        self.0.description()
    }
}
