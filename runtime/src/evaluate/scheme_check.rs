//! The check of one scheme: the scheme, the authenticator of its credentials, and the requirements.

use std::{borrow::Cow, time::Duration};

use super::{
    description::SchemeDescription,
    requirement::{And, Requirement},
};
use crate::{
    authenticate::{Authenticate, Authenticated, Immediate},
    error::AuthError,
    reason::Reason,
    scheme::{CallHead, CredentialLocation, ExtractError, Extraction, Scheme},
};

/// A scheme, the authenticator of its credentials, and the requirements on its identity.
#[derive(Debug)]
pub struct SchemeCheck<S, A, R> {
    scheme: S,
    authenticator: A,
    requirement: R,
}

impl<S: Scheme, A: Authenticate<S>> SchemeCheck<S, A, ()> {
    pub(super) fn new(scheme: S, authenticator: A) -> Self {
        SchemeCheck { scheme, authenticator, requirement: () }
    }
}

impl<S: Scheme, A: Authenticate<S>, R> SchemeCheck<S, A, R> {
    /// Adds a requirement.
    pub fn require<Q: Requirement<A::Identity>>(
        self,
        requirement: Q,
    ) -> SchemeCheck<S, A, And<R, Q>> {
        SchemeCheck {
            scheme: self.scheme,
            authenticator: self.authenticator,
            requirement: And(self.requirement, requirement),
        }
    }
}

/// The outcome of an extraction without the credentials, for the selection of the scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtractionOutcome {
    Absent,
    OtherScheme,
    Failed(ExtractError),
    Extracted,
}

/// A [`SchemeCheck`] whose type parameters are associated types.
pub trait AnySchemeCheck: Send + Sync {
    type Credentials: Send + 'static;
    type Identity: Send + Sync + 'static;

    fn bypass(&self) -> Option<Self::Identity>;
    fn location(&self) -> CredentialLocation;
    fn extract(&self, head: &CallHead<'_>) -> (ExtractionOutcome, Option<Self::Credentials>);
    fn deadline(&self) -> Duration;
    fn authenticate(
        &self,
        credentials: Self::Credentials,
    ) -> impl Future<Output = Result<Authenticated<Self::Identity>, AuthError>> + Send;
    fn authenticate_now(
        &self,
        credentials: Self::Credentials,
    ) -> Immediate<Self::Identity, Self::Credentials>;
    fn check_requirements(&self, identity: &Self::Identity) -> Result<(), Reason>;
    fn scopes(&self) -> Cow<'static, [&'static str]>;
    fn description(&self) -> SchemeDescription;
}

impl<S: Scheme, A: Authenticate<S>, R: Requirement<A::Identity>> AnySchemeCheck
    for SchemeCheck<S, A, R>
{
    type Credentials = S::Credentials;
    type Identity = A::Identity;

    fn bypass(&self) -> Option<A::Identity> {
        self.authenticator.bypass()
    }

    fn location(&self) -> CredentialLocation {
        self.scheme.location()
    }

    #[inline]
    fn extract(&self, head: &CallHead<'_>) -> (ExtractionOutcome, Option<S::Credentials>) {
        match self.scheme.extract(head) {
            Ok(Extraction::Absent) => (ExtractionOutcome::Absent, None),
            Ok(Extraction::OtherScheme) => (ExtractionOutcome::OtherScheme, None),
            Ok(Extraction::Credentials(credentials)) => {
                (ExtractionOutcome::Extracted, Some(credentials))
            }
            Err(error) => (ExtractionOutcome::Failed(error), None),
        }
    }

    fn deadline(&self) -> Duration {
        self.authenticator.deadline()
    }

    fn authenticate(
        &self,
        credentials: S::Credentials,
    ) -> impl Future<Output = Result<Authenticated<A::Identity>, AuthError>> + Send {
        self.authenticator.authenticate(credentials)
    }

    #[inline]
    fn authenticate_now(
        &self,
        credentials: S::Credentials,
    ) -> Immediate<A::Identity, S::Credentials> {
        self.authenticator.authenticate_now(credentials)
    }

    fn check_requirements(&self, identity: &A::Identity) -> Result<(), Reason> {
        self.requirement.check(identity)
    }

    fn scopes(&self) -> Cow<'static, [&'static str]> {
        self.requirement.scopes()
    }

    fn description(&self) -> SchemeDescription {
        let invalid_reason = self.authenticator.invalid_reason();
        SchemeDescription {
            name: self.scheme.name().to_owned(),
            location: self.scheme.location(),
            challenge: self.scheme.challenge(),
            invalid_reason: invalid_reason.unwrap_or_else(|| self.scheme.invalid_reason()),
            bypassed: self.authenticator.bypass().is_some(),
        }
    }
}
