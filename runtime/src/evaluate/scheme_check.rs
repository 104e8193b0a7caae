//! One scheme of a policy, with the authenticator that checks it.

#![allow(missing_docs, missing_debug_implementations, reason = "generated code alone calls this")]

use std::{
    borrow::Cow,
    convert::Infallible,
    ops::Deref,
    pin::{Pin, pin},
    task::{Poll, ready},
    time::Duration,
};

use crate::{
    authenticate::{Authenticate, DEFAULT_DEADLINE},
    error::AuthError,
    evaluate::rejection::{LeafFacts, Reason},
    evaluate::requirement::{And, Requirement},
    scheme::CallHead,
    scheme::{CredentialLocation, ExtractError, Extraction, Scheme},
};

/// A scheme whose authenticator isn't named yet.
///
/// The scheme's type is settled before the authenticator is looked for, so that a missing one is
/// told as such, whatever others there are.
#[derive(Debug)]
pub struct Declared<S>(S);

pub fn scheme<S: Scheme>(scheme: S) -> Declared<S> {
    Declared(scheme)
}

impl<S: Scheme> Declared<S> {
    pub fn by<A: Authenticate<S> + ?Sized>(self, authenticator: &A) -> Named<S, &A> {
        Named { scheme: self.0, authenticator }
    }

    pub fn by_value<A: Authenticate<S>>(self, authenticator: A) -> Named<S, A> {
        Named { scheme: self.0, authenticator }
    }
}

impl<S> Deref for Declared<S> {
    type Target = NotDeclared;

    fn deref(&self) -> &NotDeclared {
        &NotDeclared
    }
}

/// What is left of a [`Declared`] whose value is no scheme, which [`scheme`] has told. No code that
/// compiles holds it.
#[derive(Debug)]
pub struct NotDeclared;

impl NotDeclared {
    pub fn by<A: ?Sized>(&self, _: &A) -> NotNamed {
        NotNamed
    }

    pub fn by_value<A>(&self, _: A) -> NotNamed {
        NotNamed
    }
}

/// A scheme and what is said to be its authenticator.
///
/// A missing authenticator is told where it is named, by [`Declared::by`]. What follows must not tell
/// it again: [`leaf`](Named::leaf) is then found one step further on, and gives a leaf that refuses.
#[derive(Debug)]
pub struct Named<S, A> {
    scheme: S,
    authenticator: A,
}

impl<S: Scheme, A: Authenticate<S>> Named<S, A> {
    pub fn leaf(self) -> Leaf<S, A, ()> {
        Leaf { scheme: self.scheme, authenticator: self.authenticator, requirement: () }
    }
}

impl<S, A> Deref for Named<S, A> {
    type Target = NotNamed;

    fn deref(&self) -> &NotNamed {
        &NotNamed
    }
}

/// What is left of a [`Named`] whose authenticator isn't one. No code that compiles holds it.
#[derive(Debug)]
pub struct NotNamed;

impl NotNamed {
    pub fn leaf(&self) -> Refused {
        Refused
    }
}

/// A leaf that refuses every call.
#[derive(Debug)]
pub struct Refused;

impl Refused {
    pub fn require<Q>(self, _: Q) -> Refused {
        self
    }
}

impl Branch for Refused {
    type Credentials = Infallible;
    type Identity = Infallible;

    fn bypass(&self) -> Option<Infallible> {
        None
    }

    fn location(&self) -> CredentialLocation {
        CredentialLocation::Connection
    }

    fn look(&self, _: &CallHead<'_>) -> (Seen, Option<Infallible>) {
        (Seen::Unreadable(ExtractError::Duplicate), None)
    }

    fn deadline(&self) -> Duration {
        DEFAULT_DEADLINE
    }

    async fn authenticate(&self, credentials: Infallible) -> Result<Infallible, AuthError> {
        match credentials {}
    }

    fn require(&self, identity: &Infallible) -> Result<(), Reason> {
        match *identity {}
    }

    fn scopes(&self) -> Cow<'static, [&'static str]> {
        Cow::Borrowed(&[])
    }

    fn facts(&self) -> LeafFacts {
        LeafFacts {
            name: String::new(),
            place: CredentialLocation::Connection,
            challenge: None,
            invalid_reason: "CREDENTIALS_INVALID",
            bypassed: false,
        }
    }
}

#[derive(Debug)]
pub struct Leaf<S, A, R> {
    scheme: S,
    authenticator: A,
    requirement: R,
}

impl<S: Scheme, A: Authenticate<S>, R> Leaf<S, A, R> {
    pub fn require<Q: Requirement<A::Identity>>(self, requirement: Q) -> Leaf<S, A, And<R, Q>> {
        Leaf {
            scheme: self.scheme,
            authenticator: self.authenticator,
            requirement: And(self.requirement, requirement),
        }
    }
}

/// What a scheme saw in a call's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    Absent,
    Foreign,
    Unreadable(ExtractError),
    Credentials,
}

/// A [`Leaf`] with its types behind names.
pub trait Branch: Send + Sync {
    type Credentials: Send;
    type Identity: Send + Sync + 'static;

    fn bypass(&self) -> Option<Self::Identity>;
    fn location(&self) -> CredentialLocation;
    fn look(&self, head: &CallHead<'_>) -> (Seen, Option<Self::Credentials>);
    fn deadline(&self) -> Duration;
    fn authenticate(
        &self,
        credentials: Self::Credentials,
    ) -> impl Future<Output = Result<Self::Identity, AuthError>> + Send;
    fn require(&self, identity: &Self::Identity) -> Result<(), Reason>;
    fn scopes(&self) -> Cow<'static, [&'static str]>;
    fn facts(&self) -> LeafFacts;
}

/// A [`Branch`] without a mistake in it: a [`Leaf`], and not [`Refused`].
pub trait Sound: Branch {}

impl<S: Scheme, A: Authenticate<S>, R: Requirement<A::Identity>> Sound for Leaf<S, A, R> {}

impl<S: Scheme, A: Authenticate<S>, R: Requirement<A::Identity>> Branch for Leaf<S, A, R> {
    type Credentials = S::Credentials;
    type Identity = A::Identity;

    fn bypass(&self) -> Option<A::Identity> {
        self.authenticator.bypass()
    }

    fn location(&self) -> CredentialLocation {
        self.scheme.location()
    }

    fn look(&self, head: &CallHead<'_>) -> (Seen, Option<S::Credentials>) {
        match self.scheme.extract(head) {
            Ok(Extraction::Absent) => (Seen::Absent, None),
            Ok(Extraction::OtherScheme) => (Seen::Foreign, None),
            Ok(Extraction::Credentials(credentials)) => (Seen::Credentials, Some(credentials)),
            Err(error) => (Seen::Unreadable(error), None),
        }
    }

    fn deadline(&self) -> Duration {
        self.authenticator.deadline()
    }

    fn authenticate(
        &self,
        credentials: S::Credentials,
    ) -> impl Future<Output = Result<A::Identity, AuthError>> + Send {
        self.authenticator.authenticate(credentials)
    }

    fn require(&self, identity: &A::Identity) -> Result<(), Reason> {
        self.requirement.check(identity)
    }

    fn scopes(&self) -> Cow<'static, [&'static str]> {
        self.requirement.scopes()
    }

    fn facts(&self) -> LeafFacts {
        let verifier = self.authenticator.invalid_reason();
        LeafFacts {
            name: self.scheme.name().to_owned(),
            place: self.scheme.location(),
            challenge: self.scheme.challenge(),
            invalid_reason: verifier.unwrap_or_else(|| self.scheme.invalid_reason()),
            bypassed: self.authenticator.bypass().is_some(),
        }
    }
}

/// What `authenticator` answers within its deadline.
pub(crate) async fn ask<S: Scheme, A: Authenticate<S>>(
    authenticator: &A,
    credentials: S::Credentials,
) -> Result<A::Identity, AuthError> {
    in_time(authenticator.deadline(), pin!(authenticator.authenticate(credentials))).await
}

/// The answer of `check`; UNAVAILABLE when it takes longer than `limit`.
pub(crate) fn in_time<I, F: Future<Output = Result<I, AuthError>>>(
    limit: Duration,
    check: Pin<&mut F>,
) -> impl Future<Output = Result<I, AuthError>> {
    within(limit, check, |limit| {
        Err(AuthError::unavailable().because(format!("no answer within {limit:?}")))
    })
}

/// The output of `future`, or what `late` says when it takes longer than `limit`.
///
/// Most checks answer at once: they need neither a timer nor a runtime that has one.
pub(crate) fn within<F: Future>(
    limit: Duration,
    future: Pin<&mut F>,
    late: impl Fn(Duration) -> F::Output,
) -> impl Future<Output = F::Output> {
    let mut untimed = Some(future);
    // In a box: a call that doesn't wait has no room for a timer either.
    let mut timed = None;
    std::future::poll_fn(move |cx| {
        if let Some(mut future) = untimed.take() {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(output);
            }
            timed = Some(Box::pin(tokio::time::timeout(limit, future)));
        }
        let output = match &mut timed {
            Some(timed) => ready!(timed.as_mut().poll(cx)).ok(),
            None => None,
        };
        Poll::Ready(output.unwrap_or_else(|| late(limit)))
    })
}
