//! From the identity of a verifier to the user's own.

use std::{fmt, time::Duration};

use crate::{authenticate::Authenticate, error::AuthError, scheme::Scheme};

/// The verifier `authenticator`, whose identity `map` turns into another or refuses.
///
/// ```
/// use tonic_guard::compose::try_map;
/// use tonic_guard::scheme::{Bearer, BearerToken};
/// use tonic_guard::{AuthError, Authenticate, BoxAuthenticator};
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
/// #     async fn authenticate(&self, token: BearerToken) -> Result<Claims, AuthError> {
/// #         Ok(Claims { subject: "ada".into(), tenant: token.matches("of-seven").then_some(7) })
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
///     None => Err(AuthError::denied().because("a user of no tenant")),
/// });
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn call(members: impl Authenticate<Bearer, Identity = Member>) {
/// // Let in: a member of tenant 7.
/// assert_eq!(members.authenticate(token("of-seven")).await.unwrap().tenant, 7);
/// // Refused: good credentials of a user without a tenant.
/// assert!(members.authenticate(token("of-nobody")).await.is_err());
/// # }
/// # call(&members);
///
/// // The closure's type has no name. In a service's field it is forgotten, or the service is generic.
/// struct Orders {
///     tokens: BoxAuthenticator<Bearer, Member>,
/// }
///
/// let orders = Orders { tokens: BoxAuthenticator::new(members) };
/// ```
///
/// Where a verifier takes credentials of several schemes, say which is meant:
/// `try_map::<Bearer, _, _, _>(..)`.
pub fn try_map<S, A, F, I>(authenticator: A, map: F) -> TryMap<A, F>
where
    S: Scheme,
    A: Authenticate<S>,
    F: Fn(A::Identity) -> Result<I, AuthError> + Send + Sync,
{
    TryMap { authenticator, map }
}

/// A verifier whose identity is turned into another. Made by [`try_map`].
///
/// The verifier's deadline and reason are its own, and so is its bypass, if the function takes that
/// identity: one that the function refuses turns nothing off.
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

    async fn authenticate(&self, credentials: S::Credentials) -> Result<I, AuthError> {
        (self.map)(self.authenticator.authenticate(credentials).await?)
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

/// As [`try_map`], with an async function: to look the user up in a directory.
///
/// ```
/// use std::sync::Arc;
/// use tonic_guard::compose::and_then;
/// use tonic_guard::scheme::{Bearer, BearerToken};
/// use tonic_guard::{AuthError, Authenticate};
/// # struct Claims { subject: String }
/// # struct Verifier;
/// # impl Authenticate<Bearer> for Verifier {
/// #     type Identity = Claims;
/// #     async fn authenticate(&self, _: BearerToken) -> Result<Claims, AuthError> {
/// #         Ok(Claims { subject: "ada".into() })
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
///             Ok(None) => Err(AuthError::denied().because("nobody in the directory")),
///             Err(Unreachable) => Err(AuthError::unavailable()),
///         }
///     }
/// });
/// ```
pub fn and_then<S, A, F, Answer, I>(authenticator: A, map: F) -> AndThen<A, F>
where
    S: Scheme,
    A: Authenticate<S>,
    F: Fn(A::Identity) -> Answer + Send + Sync,
    Answer: Future<Output = Result<I, AuthError>> + Send,
{
    AndThen { authenticator, map }
}

/// A verifier whose identity an async function turns into another. Made by [`and_then`].
///
/// The verifier's reason is its own. Its deadline is for both: the check and the function. Its bypass
/// isn't handed on, because it is asked where nothing can be awaited.
pub struct AndThen<A, F> {
    authenticator: A,
    map: F,
}

impl<S, A, F, Answer, I> Authenticate<S> for AndThen<A, F>
where
    S: Scheme,
    A: Authenticate<S>,
    F: Fn(A::Identity) -> Answer + Send + Sync,
    Answer: Future<Output = Result<I, AuthError>> + Send,
    I: Send + Sync + 'static,
{
    type Identity = I;

    async fn authenticate(&self, credentials: S::Credentials) -> Result<I, AuthError> {
        (self.map)(self.authenticator.authenticate(credentials).await?).await
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
