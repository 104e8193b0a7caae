//! A type-erased authenticator.

use std::{pin::Pin, sync::Arc, time::Duration};

use super::{authenticated::Authenticated, authenticator::Authenticate, immediate::Immediate};
use crate::{error::AuthError, scheme::Scheme};

type AuthenticateFuture<'a, I> =
    Pin<Box<dyn Future<Output = Result<Authenticated<I>, AuthError>> + Send + 'a>>;

trait ErasedAuthenticate<S: Scheme, I>: Send + Sync {
    fn authenticate(&self, credentials: S::Credentials) -> AuthenticateFuture<'_, I>;
    fn authenticate_now(&self, credentials: S::Credentials) -> Immediate<I, S::Credentials>;
    fn bypass(&self) -> Option<I>;
    fn deadline(&self) -> Duration;
    fn invalid_reason(&self) -> Option<&'static str>;
}

impl<S: Scheme, A: Authenticate<S>> ErasedAuthenticate<S, A::Identity> for A {
    fn authenticate(&self, credentials: S::Credentials) -> AuthenticateFuture<'_, A::Identity> {
        Box::pin(Authenticate::authenticate(self, credentials))
    }

    fn authenticate_now(
        &self,
        credentials: S::Credentials,
    ) -> Immediate<A::Identity, S::Credentials> {
        Authenticate::authenticate_now(self, credentials)
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

/// A type-erased authenticator, for one that configuration chooses at run time.
///
/// ```
/// use tonic_guard::scheme::{Bearer, BearerToken};
/// use tonic_guard::{AuthError, Authenticate, Authenticated, BoxAuthenticator};
///
/// struct User;
/// struct Deny;
///
/// impl Authenticate<Bearer> for Deny {
///     type Identity = User;
///
///     async fn authenticate(&self, _: BearerToken) -> Result<Authenticated<User>, AuthError> {
///         Err(AuthError::invalid())
///     }
/// }
///
/// let chosen: BoxAuthenticator<Bearer, User> = BoxAuthenticator::new(Deny);
/// ```
pub struct BoxAuthenticator<S: Scheme, I>(Arc<dyn ErasedAuthenticate<S, I>>);

impl<S: Scheme, I> BoxAuthenticator<S, I> {
    /// Erases the type of `authenticator`.
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
    ) -> impl Future<Output = Result<Authenticated<I>, AuthError>> + Send {
        self.0.authenticate(credentials)
    }

    fn authenticate_now(&self, credentials: S::Credentials) -> Immediate<I, S::Credentials> {
        self.0.authenticate_now(credentials)
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
    use crate::scheme::{Bearer, BearerToken, CallHead};

    /// Overrides every provided method.
    struct Customized;

    impl Authenticate<Bearer> for Customized {
        type Identity = &'static str;

        async fn authenticate(
            &self,
            _: BearerToken,
        ) -> Result<Authenticated<&'static str>, AuthError> {
            Err(AuthError::expired())
        }

        fn authenticate_now(&self, _: BearerToken) -> Immediate<&'static str, BearerToken> {
            Immediate::Decided(Ok("ada".into()))
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

    /// Overrides none of the provided methods.
    struct Plain;

    impl Authenticate<Bearer> for Plain {
        type Identity = &'static str;

        async fn authenticate(
            &self,
            _: BearerToken,
        ) -> Result<Authenticated<&'static str>, AuthError> {
            Err(AuthError::invalid())
        }
    }

    fn token() -> BearerToken {
        let mut headers = http::HeaderMap::new();
        headers.insert("authorization", http::HeaderValue::from_static("Bearer some-token"));
        let extensions = http::Extensions::new();
        Bearer::new().extract(&CallHead::new(&headers, &extensions)).unwrap().credentials().unwrap()
    }

    fn settings(authenticator: impl Authenticate<Bearer, Identity = &'static str>) -> String {
        let (bypass, reason) = (authenticator.bypass(), authenticator.invalid_reason());
        let decided = match authenticator.authenticate_now(token()) {
            Immediate::Decided(decided) => decided.ok().map(Authenticated::into_identity),
            Immediate::Deferred(token) => token.matches("some-token").then_some("deferred"),
        };
        format!("{bypass:?} {:?} {reason:?} {decided:?}", authenticator.deadline())
    }

    #[test]
    fn pointers_and_boxes_forward_every_method() {
        let expected = "Some(\"everyone\") 7s Some(\"OWN\") Some(\"ada\")";
        assert_eq!(settings(Customized), expected);
        assert_eq!(settings(&Customized), expected);
        assert_eq!(settings(Arc::new(Customized)), expected);
        assert_eq!(settings(BoxAuthenticator::new(Customized).clone()), expected);
    }

    #[test]
    fn the_defaults_are_no_bypass_five_seconds_and_no_immediate_decision() {
        for defaults in [settings(Plain), settings(BoxAuthenticator::new(Plain))] {
            assert_eq!(defaults, "None 5s None Some(\"deferred\")");
        }
    }
}
