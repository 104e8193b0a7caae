//! From an authenticator's identity to the type that the handler asks for.

#![allow(missing_docs, missing_debug_implementations, reason = "generated code alone calls this")]

use std::marker::PhantomData;

/// The type of an `#[identity]` parameter, made from the identity `I` of an authenticator.
///
/// It holds for `I` itself and for every type with `From<I>`, and isn't implemented otherwise. That
/// is how the alternatives of `one_of` meet in one type.
#[diagnostic::on_unimplemented(
    message = "the authenticator's identity `{I}` doesn't convert into the `#[identity]` parameter's type `{Self}`",
    label = "expected `{I}` or a type that implements `From<{I}>`",
    note = "change the parameter's type to `{I}`, or implement `From<{I}>` for `{Self}`"
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
    message = "under `optional` the `#[identity]` parameter is an `Option`, not `{Self}`",
    label = "write `Option<{Self}>`"
)]
pub trait OptionalIdentity: Sized {
    /// What the option holds.
    type Inner: Send + Sync + 'static;

    /// The option itself, whose type is known before it is known to be one.
    fn from_option(option: Option<Self::Inner>) -> Self;
}

impl<T: Send + Sync + 'static> OptionalIdentity for Option<T> {
    type Inner = T;

    fn from_option(option: Option<T>) -> Self {
        option
    }
}

/// What becomes of an identity once the declared checks have passed.
pub trait Keep: Send + Sync {
    type Kept: Send + Sync + 'static;
}

/// A [`Keep`] that takes the identity `I`.
pub trait KeepFrom<I>: Keep {
    fn keep(identity: I) -> Self::Kept;
}

/// It is handed on as a `T`.
pub struct As<T>(PhantomData<fn() -> T>);

/// Nobody asked for it.
pub struct Dropped;

impl<T: Send + Sync + 'static> Keep for As<T> {
    type Kept = T;
}

impl<I, T: FromIdentity<I> + Send + Sync + 'static> KeepFrom<I> for As<T> {
    fn keep(identity: I) -> T {
        T::from_identity(identity)
    }
}

impl Keep for Dropped {
    type Kept = ();
}

impl<I> KeepFrom<I> for Dropped {
    fn keep(_: I) {}
}
