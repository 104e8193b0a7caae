//! The decision of an authenticator that doesn't wait, or its deferral.

use super::authenticated::Authenticated;
use crate::error::AuthError;

/// The result of [`Authenticate::authenticate_now`](crate::Authenticate::authenticate_now) for an identity `I`
/// and credentials `C`.
#[derive(Debug)]
#[must_use]
pub enum Immediate<I, C> {
    /// The authenticator has decided, as it would in [`authenticate`](crate::Authenticate::authenticate).
    Decided(Result<Authenticated<I>, AuthError>),
    /// The authenticator has to wait for something: the credentials, unchanged.
    Deferred(C),
}

impl<I, C> Immediate<I, C> {
    /// Converts a decision, and keeps credentials that are deferred.
    #[inline]
    pub fn map<J>(
        self,
        convert: impl FnOnce(Result<Authenticated<I>, AuthError>) -> Result<Authenticated<J>, AuthError>,
    ) -> Immediate<J, C> {
        match self {
            Immediate::Decided(decision) => Immediate::Decided(convert(decision)),
            Immediate::Deferred(credentials) => Immediate::Deferred(credentials),
        }
    }
}

/// The decision of an authenticator that never waits, for `#[synchronous]`.
#[doc(hidden)]
#[allow(missing_docs, reason = "generated code alone calls this")]
#[inline]
pub fn decided<I, C>(immediate: Immediate<I, C>) -> Result<Authenticated<I>, AuthError> {
    match immediate {
        Immediate::Decided(decision) => decision,
        Immediate::Deferred(_) => {
            Err(AuthError::unavailable().because("an authenticator that never waits has deferred"))
        }
    }
}
