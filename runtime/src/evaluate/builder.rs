//! The typed builder that generated code calls, and its recovery from compile errors.
//!
//! ```text
//! one_of((scheme(Bearer::new()).by(&*self).check().require(Scopes(&["read"])),))
//!     .identity_as::<User>()
//!     .build()
//! ```
//!
//! Each step is a separate type with the bounds of that step, so that the compiler reports a missing trait at
//! the step that needs it: a value that isn't a [`Scheme`] at `scheme(..)`, and a missing [`Authenticate`]
//! at `by(..)`. `scheme` fixes the type of the scheme before `by` looks for the authenticator; otherwise the
//! compiler infers the scheme from the only `Authenticate` impl of a service.
//!
//! An error must not cause further errors in the later steps. Their methods have bounds, which a value with
//! an error doesn't satisfy. So each step dereferences to a placeholder, which has the next method without
//! bounds. Method lookup finds the real method if its bounds hold, and the method of the placeholder
//! otherwise:
//!
//! | step | failed bound | placeholder |
//! | --- | --- | --- |
//! | [`UnboundScheme`] | the value isn't a `Scheme` | [`InvalidScheme`] |
//! | [`BoundScheme`] | the authenticator has no `Authenticate` impl | [`InvalidAuthenticator`], then [`RejectingCheck`] |
//! | [`OneOf`], [`AllOf`] | a check is a [`RejectingCheck`], or the identity can't be converted | [`InvalidPolicy`], then [`RejectAll`] |
//!
//! No program that compiles contains a placeholder.
//!
//! The guard and the handler check build the same evaluator. The handler check reports an identity that can't
//! be converted, by `identity_as`. The guard calls `identity_as_repeated`, which has no bounds.

use std::{borrow::Cow, convert::Infallible, marker::PhantomData, ops::Deref, time::Duration};

use super::{
    combinators::{AllOf, OneOf},
    description::{PolicyDescription, SchemeDescription},
    evaluator::{Admitted, EvalContext, Evaluator},
    identity::{Conversion, ConvertTo, Discard, FromIdentity},
    optional::{Alternatives, Required, Started},
    rejection::Rejection,
    requirement::Requirement,
    scheme_check::{AnySchemeCheck, ExtractionOutcome, SchemeCheck},
};
use crate::{
    authenticate::{Authenticate, Authenticated, DEFAULT_DEADLINE, Immediate},
    error::AuthError,
    reason::Reason,
    scheme::{CallHead, CredentialLocation, ExtractError, Scheme},
};

/// A scheme without an authenticator.
#[derive(Debug)]
pub struct UnboundScheme<S>(S);

pub fn scheme<S: Scheme>(scheme: S) -> UnboundScheme<S> {
    UnboundScheme(scheme)
}

impl<S: Scheme> UnboundScheme<S> {
    pub fn by<A: Authenticate<S> + ?Sized>(self, authenticator: &A) -> BoundScheme<S, &A> {
        BoundScheme { scheme: self.0, authenticator }
    }

    pub fn by_value<A: Authenticate<S>>(self, authenticator: A) -> BoundScheme<S, A> {
        BoundScheme { scheme: self.0, authenticator }
    }
}

impl<S> Deref for UnboundScheme<S> {
    type Target = InvalidScheme;

    fn deref(&self) -> &InvalidScheme {
        &InvalidScheme
    }
}

/// Placeholder for a value that isn't a [`Scheme`].
#[derive(Debug)]
pub struct InvalidScheme;

impl InvalidScheme {
    pub fn by<A: ?Sized>(&self, _: &A) -> InvalidAuthenticator {
        InvalidAuthenticator
    }

    pub fn by_value<A>(&self, _: A) -> InvalidAuthenticator {
        InvalidAuthenticator
    }
}

/// A scheme with its authenticator.
#[derive(Debug)]
pub struct BoundScheme<S, A> {
    scheme: S,
    authenticator: A,
}

impl<S: Scheme, A: Authenticate<S>> BoundScheme<S, A> {
    pub fn check(self) -> SchemeCheck<S, A, ()> {
        SchemeCheck::new(self.scheme, self.authenticator)
    }
}

impl<S, A> Deref for BoundScheme<S, A> {
    type Target = InvalidAuthenticator;

    fn deref(&self) -> &InvalidAuthenticator {
        &InvalidAuthenticator
    }
}

/// Placeholder for a scheme whose authenticator has no [`Authenticate`] impl.
#[derive(Debug)]
pub struct InvalidAuthenticator;

impl InvalidAuthenticator {
    pub fn check(&self) -> RejectingCheck {
        RejectingCheck
    }
}

/// Placeholder for a [`SchemeCheck`], which rejects every call.
#[derive(Debug)]
pub struct RejectingCheck;

impl RejectingCheck {
    pub fn require<Q>(self, _: Q) -> RejectingCheck {
        self
    }
}

impl AnySchemeCheck for RejectingCheck {
    type Credentials = Infallible;
    type Identity = Infallible;

    fn bypass(&self) -> Option<Infallible> {
        None
    }

    fn location(&self) -> CredentialLocation {
        CredentialLocation::Connection
    }

    fn extract(&self, _: &CallHead<'_>) -> (ExtractionOutcome, Option<Infallible>) {
        (ExtractionOutcome::Failed(ExtractError::Duplicate), None)
    }

    fn deadline(&self) -> Duration {
        DEFAULT_DEADLINE
    }

    async fn authenticate(
        &self,
        credentials: Infallible,
    ) -> Result<Authenticated<Infallible>, AuthError> {
        match credentials {}
    }

    fn authenticate_now(&self, credentials: Infallible) -> Immediate<Infallible, Infallible> {
        match credentials {}
    }

    fn check_requirements(&self, identity: &Infallible) -> Result<(), Reason> {
        match *identity {}
    }

    fn scopes(&self) -> Cow<'static, [&'static str]> {
        Cow::Borrowed(&[])
    }

    fn description(&self) -> SchemeDescription {
        SchemeDescription {
            name: String::new(),
            location: CredentialLocation::Connection,
            challenge: None,
            invalid_reason: "CREDENTIALS_INVALID",
            bypassed: false,
        }
    }
}

/// A scheme check that isn't a placeholder.
pub trait ValidCheck: AnySchemeCheck {}

impl<S: Scheme, A: Authenticate<S>, R: Requirement<A::Identity>> ValidCheck
    for SchemeCheck<S, A, R>
{
}

/// A tuple of scheme checks without placeholders.
pub trait ValidChecks {
    type Identities: Send + Sync + 'static;
}

/// The conversion of a combinator whose conversion isn't chosen yet.
pub struct Unspecified;

pub fn one_of<T>(checks: T) -> OneOf<Unspecified, T> {
    OneOf::new(checks)
}

pub fn all_of<T>(checks: T) -> AllOf<Unspecified, T> {
    AllOf::new(checks)
}

impl<T> OneOf<Unspecified, T> {
    /// `identity_as` without bounds, for the guard.
    pub fn identity_as_repeated<I>(self) -> OneOf<ConvertTo<I>, T> {
        self.with_conversion()
    }

    pub fn no_identity(self) -> OneOf<Discard, T> {
        self.with_conversion()
    }
}

impl<S: ValidCheck> OneOf<Unspecified, (S,)> {
    /// Keeps the authenticator's type of identity, for a custom check.
    pub fn original_identity(self) -> OneOf<ConvertTo<S::Identity>, (S,)> {
        self.with_conversion()
    }
}

impl<T> AllOf<Unspecified, T> {
    /// `identity_as` without bounds, for the guard.
    pub fn identity_as_repeated<I>(self) -> AllOf<ConvertTo<I>, T> {
        self.with_conversion()
    }

    pub fn no_identity(self) -> AllOf<Discard, T> {
        self.with_conversion()
    }
}

impl<T: ValidChecks> AllOf<Unspecified, T> {
    pub fn identity_as<I>(self) -> AllOf<ConvertTo<I>, T>
    where
        I: FromIdentity<T::Identities>,
    {
        self.with_conversion()
    }

    /// Keeps the tuple of the authenticators' identities, for a custom check.
    pub fn original_identity(self) -> AllOf<ConvertTo<T::Identities>, T> {
        self.with_conversion()
    }
}

macro_rules! identity_as {
    ($(($($Check:ident),+))+) => {$(
        // The bounds are on `T` itself, as those of `AllOf::identity_as` are: the compiler then points at
        // the type of the parameter.
        impl<$($Check: ValidCheck),+> OneOf<Unspecified, ($($Check,)+)> {
            pub fn identity_as<T>(self) -> OneOf<ConvertTo<T>, ($($Check,)+)>
            where
                $(T: FromIdentity<$Check::Identity>,)+
            {
                self.with_conversion()
            }
        }

        impl<$($Check: ValidCheck),+> ValidChecks for ($($Check,)+) {
            type Identities = ($($Check::Identity,)+);
        }
    )+};
}

identity_as! {
    (A)
    (A, B)
    (A, B, C)
    (A, B, C, D)
    (A, B, C, D, E)
    (A, B, C, D, E, F)
    (A, B, C, D, E, F, G)
    (A, B, C, D, E, F, G, H)
}

impl<C, T> OneOf<C, T>
where
    Self: Alternatives,
{
    pub fn build(self) -> Required<Self> {
        Required(self)
    }
}

impl<C, T> AllOf<C, T>
where
    Self: Evaluator,
{
    pub fn build(self) -> Self {
        self
    }
}

impl<C, T> Deref for OneOf<C, T> {
    type Target = InvalidPolicy<C>;

    fn deref(&self) -> &InvalidPolicy<C> {
        &InvalidPolicy::NEW
    }
}

impl<C, T> Deref for AllOf<C, T> {
    type Target = InvalidPolicy<C>;

    fn deref(&self) -> &InvalidPolicy<C> {
        &InvalidPolicy::NEW
    }
}

/// Placeholder for a combinator with an error in a scheme check or in the conversion of the identity.
pub struct InvalidPolicy<C>(PhantomData<fn() -> C>);

impl<C> InvalidPolicy<C> {
    const NEW: Self = InvalidPolicy(PhantomData);
}

impl InvalidPolicy<Unspecified> {
    pub fn identity_as<T>(&self) -> InvalidPolicy<ConvertTo<T>> {
        InvalidPolicy::NEW
    }

    /// The compiler infers `T` from the signature of the custom check.
    pub fn original_identity<T>(&self) -> InvalidPolicy<ConvertTo<T>> {
        InvalidPolicy::NEW
    }
}

impl<C: Conversion> InvalidPolicy<C> {
    #[allow(clippy::panic, reason = "no program that compiles calls it")]
    pub fn build(&self) -> Required<RejectAll<C::Output>> {
        const { panic!("bug of tonic-guard: a policy with a compile error was built") }
    }
}

/// Placeholder for an evaluator, which rejects every call.
pub struct RejectAll<I>(PhantomData<fn() -> I>);

impl<I: Send + Sync + 'static> Alternatives for RejectAll<I> {
    type Identity = I;
    type Pending = Infallible;

    fn start(&self, _: &mut EvalContext<'_>) -> Started<I, Infallible> {
        Err(Rejection::internal("the policy has a compile error"))
    }

    async fn resume(&self, pending: Infallible) -> Result<Admitted<I>, Rejection> {
        match pending {}
    }

    fn reads_extensions(&self) -> bool {
        false
    }

    fn description(&self) -> PolicyDescription {
        PolicyDescription::empty()
    }
}
