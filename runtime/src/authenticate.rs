//! Authenticators: who turn credentials into an identity, or refuse.

use std::{pin::Pin, sync::Arc, time::Duration};

use crate::{error::AuthError, scheme::Scheme};

/// How long an authenticator may take, unless it says otherwise.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);

/// Turns the credentials of one [`Scheme`] into an identity, or refuses them.
///
/// A verifier implements it. A service implements it too, or derives it from the fields that hold
/// its verifiers, so that `scheme = "bearer"` finds the authenticator without naming it.
///
/// ```
/// use tonic_guard::scheme::{Bearer, BearerToken};
/// use tonic_guard::{AuthError, Authenticate};
///
/// struct Operator;
///
/// struct OneToken(String);
///
/// impl Authenticate<Bearer> for OneToken {
///     type Identity = Operator;
///
///     async fn authenticate(&self, token: BearerToken) -> Result<Operator, AuthError> {
///         if token.matches(&self.0) { Ok(Operator) } else { Err(AuthError::invalid()) }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` doesn't authenticate callers by `{S}`",
    label = "no `Authenticate<{S}>` for `{Self}`",
    note = "implement `Authenticate<{S}>` for it, or derive `Authenticate` with `#[verifies(..)]` on the field that does",
    note = "or name the authenticator of this scheme: `scheme = .. via self.field`"
)]
pub trait Authenticate<S: Scheme>: Send + Sync {
    /// Who the caller is. It goes to the handler by value, so it needs no `Clone`.
    type Identity: Send + Sync + 'static;

    /// Checks the credentials of one call.
    ///
    /// The call is refused as UNAVAILABLE when this takes longer than
    /// [`deadline`](Authenticate::deadline), and as INTERNAL when it panics (where a panic unwinds: under
    /// `panic = "abort"` it ends the process).
    ///
    /// # Errors
    /// An [`AuthError`] refuses the call.
    fn authenticate(
        &self,
        credentials: S::Credentials,
    ) -> impl Future<Output = Result<Self::Identity, AuthError>> + Send;

    /// "Authentication off" as a value: the identity that every caller gets, unasked.
    ///
    /// `None` unless it is written. It is asked before the call is looked at. A guard warns of it
    /// when it is made, and the policy table shows it. Scopes, roles and checks of your own still
    /// hold.
    fn bypass(&self) -> Option<Self::Identity> {
        None
    }

    /// How long one check may take.
    ///
    /// It is measured on tokio's clock: a check that waits needs a tokio runtime with its timer
    /// enabled, and is refused as INTERNAL without.
    fn deadline(&self) -> Duration {
        DEFAULT_DEADLINE
    }

    /// The `ErrorInfo` reason for credentials that are wrong, where it says more than the scheme's
    /// own: `JWT_TOKEN_INVALID` for a bearer token that should be a JWT.
    ///
    /// A constant: a guard asks once and sends the same refusal to every caller.
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
            ) -> impl Future<Output = Result<Self::Identity, AuthError>> + Send {
                A::authenticate(self, credentials)
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

type Answer<'a, I> = Pin<Box<dyn Future<Output = Result<I, AuthError>> + Send + 'a>>;

trait ErasedAuthenticate<S: Scheme, I>: Send + Sync {
    fn authenticate(&self, credentials: S::Credentials) -> Answer<'_, I>;
    fn bypass(&self) -> Option<I>;
    fn deadline(&self) -> Duration;
    fn invalid_reason(&self) -> Option<&'static str>;
}

impl<S: Scheme, A: Authenticate<S>> ErasedAuthenticate<S, A::Identity> for A {
    fn authenticate(&self, credentials: S::Credentials) -> Answer<'_, A::Identity> {
        Box::pin(Authenticate::authenticate(self, credentials))
    }

    fn bypass(&self) -> Option<A::Identity> {
        Authenticate::bypass(self)
    }

    fn deadline(&self) -> Duration {
        Authenticate::deadline(self)
    }

    fn invalid_reason(&self) -> Option<&'static str> {
        Authenticate::invalid_reason(self)
    }
}

/// An authenticator whose type is forgotten: for one that configuration chooses at run time.
///
/// ```
/// use tonic_guard::scheme::{Bearer, BearerToken};
/// use tonic_guard::{AuthError, Authenticate, BoxAuthenticator};
///
/// struct User;
/// struct Deny;
///
/// impl Authenticate<Bearer> for Deny {
///     type Identity = User;
///
///     async fn authenticate(&self, _: BearerToken) -> Result<User, AuthError> {
///         Err(AuthError::invalid())
///     }
/// }
///
/// let chosen: BoxAuthenticator<Bearer, User> = BoxAuthenticator::new(Deny);
/// ```
pub struct BoxAuthenticator<S: Scheme, I>(Arc<dyn ErasedAuthenticate<S, I>>);

impl<S: Scheme, I> BoxAuthenticator<S, I> {
    /// Forgets the type of `authenticator`.
    pub fn new(authenticator: impl Authenticate<S, Identity = I> + 'static) -> Self {
        BoxAuthenticator(Arc::new(authenticator))
    }
}

impl<S: Scheme, I> Clone for BoxAuthenticator<S, I> {
    fn clone(&self) -> Self {
        BoxAuthenticator(Arc::clone(&self.0))
    }
}

impl<S: Scheme, I> std::fmt::Debug for BoxAuthenticator<S, I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BoxAuthenticator")
    }
}

impl<S: Scheme, I: Send + Sync + 'static> Authenticate<S> for BoxAuthenticator<S, I> {
    type Identity = I;

    fn authenticate(
        &self,
        credentials: S::Credentials,
    ) -> impl Future<Output = Result<I, AuthError>> + Send {
        self.0.authenticate(credentials)
    }

    fn bypass(&self) -> Option<I> {
        self.0.bypass()
    }

    fn deadline(&self) -> Duration {
        self.0.deadline()
    }

    fn invalid_reason(&self) -> Option<&'static str> {
        self.0.invalid_reason()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheme::{Bearer, BearerToken};

    /// Says something of its own everywhere.
    struct Own;

    impl Authenticate<Bearer> for Own {
        type Identity = &'static str;

        async fn authenticate(&self, _: BearerToken) -> Result<&'static str, AuthError> {
            Err(AuthError::expired())
        }

        fn bypass(&self) -> Option<&'static str> {
            Some("everyone")
        }

        fn deadline(&self) -> Duration {
            Duration::from_secs(7)
        }

        fn invalid_reason(&self) -> Option<&'static str> {
            Some("OWN")
        }
    }

    /// Says nothing of its own.
    struct Plain;

    impl Authenticate<Bearer> for Plain {
        type Identity = &'static str;

        async fn authenticate(&self, _: BearerToken) -> Result<&'static str, AuthError> {
            Err(AuthError::invalid())
        }
    }

    fn says(authenticator: impl Authenticate<Bearer, Identity = &'static str>) -> String {
        let (bypass, reason) = (authenticator.bypass(), authenticator.invalid_reason());
        format!("{bypass:?} {:?} {reason:?}", authenticator.deadline())
    }

    #[test]
    fn what_passes_on_says_what_it_was_told() {
        let own = "Some(\"everyone\") 7s Some(\"OWN\")";
        assert_eq!(says(Own), own);
        assert_eq!(says(&Own), own);
        assert_eq!(says(Arc::new(Own)), own);
        assert_eq!(says(BoxAuthenticator::new(Own).clone()), own);
    }

    #[test]
    fn nobody_is_let_in_unasked_and_a_check_has_five_seconds() {
        for said in [says(Plain), says(BoxAuthenticator::new(Plain))] {
            assert_eq!(said, "None 5s None");
        }
    }
}
