//! Converts the identity of a verifier.

use std::{fmt, time::Duration};

use crate::{
    authenticate::{Authenticate, Authenticated, Immediate},
    error::AuthError,
    scheme::Scheme,
};

/// Converts the identity of `authenticator` with `map`, which may reject the call with an error.
///
/// ```
/// use tonic_guard::compose::try_map;
/// use tonic_guard::scheme::{Bearer, BearerToken};
/// use tonic_guard::{AuthError, Authenticate, Authenticated, BoxAuthenticator};
/// # use http::{Extensions, HeaderMap};
/// # use tonic_guard::{CallHead, scheme::Scheme};
/// # fn token(token: &str) -> BearerToken {
/// #     let mut headers = HeaderMap::new();
/// #     headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
/// #     let extensions = Extensions::new();
/// #     let found = Bearer::new().extract(&CallHead::new(&headers, &extensions));
/// #     found.unwrap().credentials().unwrap()
/// # }
/// # struct Claims { subject: String, tenant: Option<u32> }
/// # struct Verifier;
/// # impl Authenticate<Bearer> for Verifier {
/// #     type Identity = Claims;
/// #     async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<Claims>, AuthError> {
/// #         Ok(Claims { subject: "ada".into(), tenant: token.matches("of-seven").then_some(7) }.into())
/// #     }
/// # }
///
/// struct Member {
///     name: String,
///     tenant: u32,
/// }
///
/// let members = try_map(Verifier, |claims: Claims| match claims.tenant {
///     Some(tenant) => Ok(Member { name: claims.subject, tenant }),
///     None => Err(AuthError::denied().because("the user has no tenant")),
/// });
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn call(members: impl Authenticate<Bearer, Identity = Member>) {
/// // Admitted: a member of tenant 7.
/// assert_eq!(members.authenticate(token("of-seven")).await.unwrap().identity().tenant, 7);
/// // Rejected: valid credentials of a user without a tenant.
/// assert!(members.authenticate(token("of-none")).await.is_err());
/// # }
/// # call(&members);
///
/// // The type of a closure has no name. Erase it in a service's field, or make the service generic.
/// struct Orders {
///     tokens: BoxAuthenticator<Bearer, Member>,
/// }
///
/// let orders = Orders { tokens: BoxAuthenticator::new(members) };
/// ```
///
/// If the verifier accepts several schemes, name one of them: `try_map::<Bearer, _, _, _>(..)`.
pub fn try_map<S, A, F, I>(authenticator: A, map: F) -> TryMap<A, F>
where
    S: Scheme,
    A: Authenticate<S>,
    F: Fn(A::Identity) -> Result<I, AuthError> + Send + Sync,
{
    TryMap { authenticator, map }
}

/// A verifier with a converted identity, created by [`try_map`].
///
/// The deadline and the `invalid_reason` are those of the inner verifier. So is the bypass, with its identity
/// converted, unless the function rejects that identity.
pub struct TryMap<A, F> {
    authenticator: A,
    map: F,
}

impl<S, A, F, I> Authenticate<S> for TryMap<A, F>
where
    S: Scheme,
    A: Authenticate<S>,
    F: Fn(A::Identity) -> Result<I, AuthError> + Send + Sync,
    I: Send + Sync + 'static,
{
    type Identity = I;

    async fn authenticate(
        &self,
        credentials: S::Credentials,
    ) -> Result<Authenticated<I>, AuthError> {
        self.authenticator.authenticate(credentials).await?.try_map(&self.map)
    }

    fn authenticate_now(&self, credentials: S::Credentials) -> Immediate<I, S::Credentials> {
        let immediate = self.authenticator.authenticate_now(credentials);
        immediate.map(|decision| decision?.try_map(&self.map))
    }

    fn bypass(&self) -> Option<I> {
        (self.map)(self.authenticator.bypass()?).ok()
    }

    fn deadline(&self) -> Duration {
        self.authenticator.deadline()
    }

    fn invalid_reason(&self) -> Option<&'static str> {
        self.authenticator.invalid_reason()
    }
}

/// Converts the identity of `authenticator` with an async function, for example by a look-up in a
/// directory.
///
/// ```
/// use std::sync::Arc;
/// use tonic_guard::compose::and_then;
/// use tonic_guard::scheme::{Bearer, BearerToken};
/// use tonic_guard::{AuthError, Authenticate, Authenticated};
/// # struct Claims { subject: String }
/// # struct Verifier;
/// # impl Authenticate<Bearer> for Verifier {
/// #     type Identity = Claims;
/// #     async fn authenticate(&self, _: BearerToken) -> Result<Authenticated<Claims>, AuthError> {
/// #         Ok(Claims { subject: "ada".into() }.into())
/// #     }
/// # }
/// # struct Directory;
/// # struct Unreachable;
/// # impl Directory { async fn find(&self, _: &str) -> Result<Option<User>, Unreachable> { Ok(None) } }
///
/// struct User;
///
/// let directory = Arc::new(Directory);
/// let users = and_then(Verifier, move |claims: Claims| {
///     let directory = Arc::clone(&directory);
///     async move {
///         match directory.find(&claims.subject).await {
///             Ok(Some(user)) => Ok(user),
///             Ok(None) => Err(AuthError::denied().because("the directory has no such user")),
///             Err(Unreachable) => Err(AuthError::unavailable()),
///         }
///     }
/// });
/// ```
pub fn and_then<S, A, F, Fut, I>(authenticator: A, map: F) -> AndThen<A, F>
where
    S: Scheme,
    A: Authenticate<S>,
    F: Fn(A::Identity) -> Fut + Send + Sync,
    Fut: Future<Output = Result<I, AuthError>> + Send,
{
    AndThen { authenticator, map }
}

/// A verifier with an identity that an async function converts, created by [`and_then`].
///
/// The `invalid_reason` is that of the inner verifier. Its deadline includes the async function. The inner
/// verifier's bypass is ignored, because `bypass` can't await the function.
pub struct AndThen<A, F> {
    authenticator: A,
    map: F,
}

impl<S, A, F, Fut, I> Authenticate<S> for AndThen<A, F>
where
    S: Scheme,
    A: Authenticate<S>,
    F: Fn(A::Identity) -> Fut + Send + Sync,
    Fut: Future<Output = Result<I, AuthError>> + Send,
    I: Send + Sync + 'static,
{
    type Identity = I;

    async fn authenticate(
        &self,
        credentials: S::Credentials,
    ) -> Result<Authenticated<I>, AuthError> {
        let (identity, rest) = self.authenticator.authenticate(credentials).await?.into_parts();
        let converted = (self.map)(identity).await?;
        Ok(rest.map(|()| converted))
    }

    fn deadline(&self) -> Duration {
        self.authenticator.deadline()
    }

    fn invalid_reason(&self) -> Option<&'static str> {
        self.authenticator.invalid_reason()
    }
}

macro_rules! debug_as_inner {
    ($($name:ident),*) => {$(
        impl<A: fmt::Debug, F> fmt::Debug for $name<A, F> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.authenticator).finish()
            }
        }
    )*};
}

debug_as_inner!(TryMap, AndThen);
