//! The return type of authenticators: an identity, and what is known of its life.

use std::{sync::Arc, time::SystemTime};

use super::identity_id::IdentityId;

/// The identity of an authenticated caller, with what its authenticator knows of the identity's life.
///
/// [`Authenticate::authenticate`](crate::Authenticate::authenticate) returns it. An authenticator that knows
/// nothing converts its identity by `into`:
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tonic_guard::{Authenticated, IdentityId, Lifetime};
///
/// struct User;
///
/// let authenticated: Authenticated<User> = User.into();
/// assert_eq!(authenticated.lifetime(), Lifetime::Unknown);
///
/// // An authenticator that has read the end and the id of a token states both.
/// let end = SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000);
/// let authenticated = Authenticated::new(User)
///     .until(end)
///     .id(IdentityId::token("https://id.example", "token-7"));
/// assert_eq!(authenticated.lifetime(), Lifetime::Until(end));
/// assert_eq!(authenticated.ids().len(), 1);
/// ```
///
/// The lifetime and the ids are handed on by every wrapper of an authenticator, and nothing acts on them yet. An
/// end in the past doesn't reject a call: reject expired credentials with
/// [`AuthError::expired`](crate::AuthError::expired).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Authenticated<I> {
    identity: I,
    lifetime: Lifetime,
    // A call whose authenticator states no ids allocates nothing.
    ids: Option<Arc<Vec<IdentityId>>>,
}

/// When an identity ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lifetime {
    /// The authenticator has stated nothing.
    #[default]
    Unknown,
    /// It ends at this time, which includes the authenticator's clock skew.
    Until(SystemTime),
    /// It has no end.
    Unlimited,
}

impl<I> Authenticated<I> {
    /// An identity of which nothing else is known.
    #[inline]
    pub fn new(identity: I) -> Self {
        Authenticated { identity, lifetime: Lifetime::Unknown, ids: None }
    }

    /// States that the identity ends at `end`. A verifier adds its clock skew.
    #[inline]
    pub fn until(mut self, end: SystemTime) -> Self {
        self.lifetime = Lifetime::Until(end);
        self
    }

    /// States that the identity has no end.
    #[inline]
    pub fn unlimited(mut self) -> Self {
        self.lifetime = Lifetime::Unlimited;
        self
    }

    /// Adds an id by which the identity can be revoked.
    pub fn id(mut self, id: IdentityId) -> Self {
        Arc::make_mut(self.ids.get_or_insert_default()).push(id);
        self
    }

    /// Converts the identity, and keeps what is known of its life.
    #[inline]
    pub fn map<J>(self, convert: impl FnOnce(I) -> J) -> Authenticated<J> {
        Authenticated { identity: convert(self.identity), lifetime: self.lifetime, ids: self.ids }
    }

    /// Converts the identity with a function that may fail, and keeps what is known of its life.
    ///
    /// # Errors
    /// Returns the error of `convert`.
    #[inline]
    pub fn try_map<J, E>(
        self,
        convert: impl FnOnce(I) -> Result<J, E>,
    ) -> Result<Authenticated<J>, E> {
        let identity = convert(self.identity)?;
        Ok(Authenticated { identity, lifetime: self.lifetime, ids: self.ids })
    }

    /// The identity.
    #[inline]
    pub fn identity(&self) -> &I {
        &self.identity
    }

    /// The identity by value.
    #[inline]
    pub fn into_identity(self) -> I {
        self.identity
    }

    /// The identity, and what is known of its life, for a conversion that awaits:
    /// `rest.map(|()| converted)`.
    #[inline]
    pub fn into_parts(self) -> (I, Authenticated<()>) {
        (self.identity, Authenticated { identity: (), lifetime: self.lifetime, ids: self.ids })
    }

    /// When the identity ends.
    #[inline]
    pub fn lifetime(&self) -> Lifetime {
        self.lifetime
    }

    /// The ids by which the identity can be revoked.
    pub fn ids(&self) -> &[IdentityId] {
        self.ids.as_deref().map_or(&[], Vec::as_slice)
    }
}

impl<I> From<I> for Authenticated<I> {
    #[inline]
    fn from(identity: I) -> Self {
        Authenticated::new(identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_alone_states_nothing() {
        let authenticated = Authenticated::from("ada");
        assert_eq!(authenticated.lifetime(), Lifetime::Unknown);
        assert!(authenticated.ids().is_empty());
        assert_eq!(authenticated.into_identity(), "ada");
    }

    #[test]
    fn a_conversion_keeps_the_lifetime_and_the_ids() {
        let token = IdentityId::token("https://id.example", "7");
        let session = IdentityId::session("https://id.example", "8");
        let end = SystemTime::UNIX_EPOCH;
        let ada = Authenticated::new("ada").until(end).id(token.clone()).id(session.clone());

        let mapped = ada.clone().map(str::len);
        assert_eq!(*mapped.identity(), 3);
        let tried = ada.clone().try_map(|name| Ok::<_, ()>(name.len())).unwrap();
        assert_eq!(tried, mapped);
        assert_eq!(mapped.lifetime(), Lifetime::Until(end));
        assert_eq!(mapped.ids(), [token, session]);
        let (name, rest) = ada.clone().into_parts();
        assert_eq!(rest.map(|()| name.len()), mapped);
        assert_eq!(ada.try_map(|_| Err::<(), _>("denied")), Err("denied"));
    }

    #[test]
    fn the_last_statement_about_the_lifetime_holds() {
        let stated = Authenticated::new(()).until(SystemTime::UNIX_EPOCH).unlimited();
        assert_eq!(stated.lifetime(), Lifetime::Unlimited);
    }
}
