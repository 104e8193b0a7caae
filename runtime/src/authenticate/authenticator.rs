//! The trait of authenticators.

use std::{sync::Arc, time::Duration};

use super::{authenticated::Authenticated, immediate::Immediate};
use crate::{error::AuthError, scheme::Scheme};

/// The time that an authenticator may take, unless it sets another.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);

/// Turns the credentials of one [`Scheme`] into an identity, or rejects them.
///
/// Verifiers implement it. A service implements it too, or derives it from the fields that hold its
/// verifiers, so that `scheme = "bearer"` finds the authenticator without `via`.
///
/// ```
/// use tonic_guard::scheme::{Bearer, BearerToken};
/// use tonic_guard::{AuthError, Authenticate, Authenticated};
///
/// struct Operator;
///
/// struct OneToken(String);
///
/// impl Authenticate<Bearer> for OneToken {
///     type Identity = Operator;
///
///     async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<Operator>, AuthError> {
///         if token.matches(&self.0) { Ok(Operator.into()) } else { Err(AuthError::invalid()) }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` doesn't authenticate callers by `{S}`",
    label = "the trait `Authenticate<{S}>` is not implemented for `{Self}`",
    note = "implement `Authenticate<{S}>` for `{Self}`, or derive `Authenticate` and write `#[verifies(..)]` on the field with the verifier",
    note = "or name another authenticator for this scheme: `scheme = .. via self.field`"
)]
pub trait Authenticate<S: Scheme>: Send + Sync {
    /// The identity of an authenticated caller. The handler receives it by value, so it needs no `Clone`.
    type Identity: Send + Sync + 'static;

    /// Checks the credentials of one call, and returns the identity of the caller.
    ///
    /// [`Authenticated`] also holds what the authenticator knows of the identity's life. One that knows nothing
    /// returns `Ok(identity.into())`.
    ///
    /// The call is rejected as UNAVAILABLE when the future takes longer than
    /// [`deadline`](Authenticate::deadline), and as INTERNAL when it panics. (With `panic = "abort"` a panic
    /// ends the process.)
    ///
    /// # Cancellation
    /// The future is dropped at its current `.await` when the deadline passes, when the caller cancels the
    /// call, and when the connection closes. Code after that `.await` doesn't run. Spawn a
    /// task for work that must complete, such as a write to an audit log.
    ///
    /// # Errors
    /// Returns an [`AuthError`] to reject the call.
    fn authenticate(
        &self,
        credentials: S::Credentials,
    ) -> impl Future<Output = Result<Authenticated<Self::Identity>, AuthError>> + Send;

    /// Checks the credentials of one call without waiting, if that is possible.
    ///
    /// A guard calls it first. A call that it decides needs no future, which makes the call cheaper. For
    /// [`Immediate::Deferred`], and on other paths, [`authenticate`](Authenticate::authenticate) decides: it
    /// has to accept all credentials, and both have to decide alike. At most one decision is made for a call.
    ///
    /// The default defers all credentials. Don't write it by hand for an authenticator that never waits:
    /// [`#[synchronous]`](macro@crate::synchronous) on the impl derives both methods from one.
    ///
    /// It must not block the thread, and the deadline doesn't apply to it. If it panics, the call is rejected as
    /// INTERNAL.
    #[inline]
    fn authenticate_now(
        &self,
        credentials: S::Credentials,
    ) -> Immediate<Self::Identity, S::Credentials> {
        Immediate::Deferred(credentials)
    }

    /// Turns authentication off: every caller receives the returned identity. The default, `None`, leaves
    /// authentication on.
    ///
    /// Each call evaluates it before the credentials are extracted, so it can change at run time. A guard
    /// also evaluates it once, when the guard is created: it logs a warning for each method that is
    /// bypassed, and its policy table records that result. Scopes, roles and custom checks still
    /// run.
    fn bypass(&self) -> Option<Self::Identity> {
        None
    }

    /// The time that one call of [`authenticate`](Authenticate::authenticate) may take. The default is
    /// [`DEFAULT_DEADLINE`].
    ///
    /// It is measured on tokio's clock. A future that doesn't complete at its first poll needs a tokio
    /// runtime with its timer enabled; without one, the call is rejected as INTERNAL.
    fn deadline(&self) -> Duration {
        DEFAULT_DEADLINE
    }

    /// The `ErrorInfo` reason for invalid credentials, if it is more specific than the reason of the scheme:
    /// `JWT_TOKEN_INVALID` for a bearer token that should be a JWT.
    ///
    /// It must be constant: a guard caches the rejections that contain it.
    fn invalid_reason(&self) -> Option<&'static str> {
        None
    }
}

macro_rules! forward_to_target {
    ($($pointer:ty),*) => {$(
        #[diagnostic::do_not_recommend]
        impl<S: Scheme, A: Authenticate<S> + ?Sized> Authenticate<S> for $pointer {
            type Identity = A::Identity;

            fn authenticate(
                &self,
                credentials: S::Credentials,
            ) -> impl Future<Output = Result<Authenticated<Self::Identity>, AuthError>> + Send {
                A::authenticate(self, credentials)
            }

            #[inline]
            fn authenticate_now(
                &self,
                credentials: S::Credentials,
            ) -> Immediate<Self::Identity, S::Credentials> {
                A::authenticate_now(self, credentials)
            }

            fn bypass(&self) -> Option<Self::Identity> {
                A::bypass(self)
            }

            fn deadline(&self) -> Duration {
                A::deadline(self)
            }

            fn invalid_reason(&self) -> Option<&'static str> {
                A::invalid_reason(self)
            }
        }
    )*};
}

forward_to_target!(&A, Arc<A>);
