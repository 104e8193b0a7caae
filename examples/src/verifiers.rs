//! The identities of callers, and authenticators with a few hard-coded credentials.
//!
//! A real service uses a verifier of signed tokens and a store of hashed keys instead.

use tonic_guard::{
    AuthError, Authenticate, Authenticated, HasRoles, HasScopes,
    scheme::{ApiKey, ApiKeyValue, Bearer, BearerToken},
};

/// The credentials that the authenticators accept.
pub mod demo {
    /// The token of `ada`, who may read and cancel orders.
    pub const ADA_TOKEN: &str = "ada-demo-token";
    /// The token of `eve`, an auditor, who may read orders.
    pub const EVE_TOKEN: &str = "eve-demo-token";
    /// A token that has expired.
    pub const EXPIRED_TOKEN: &str = "expired-demo-token";
    /// The API key of the partner `acme`.
    pub const ACME_KEY: &str = "acme-demo-key";
}

/// The identity of a bearer token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The user's name.
    pub name: &'static str,
    scopes: &'static [&'static str],
    role: Option<Role>,
}

/// A role of a [`User`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// May see all orders.
    Auditor,
}

impl HasScopes for User {
    fn has_scope(&self, scope: &str) -> bool {
        self.scopes.contains(&scope)
    }
}

impl HasRoles<Role> for User {
    fn has_role(&self, role: &Role) -> bool {
        self.role.as_ref() == Some(role)
    }
}

/// The identity of an API key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partner {
    /// The partner's name.
    pub name: &'static str,
}

/// The identity of a method that accepts both users and partners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Authenticated by a bearer token.
    User(User),
    /// Authenticated by an API key.
    Partner(Partner),
}

impl From<User> for Caller {
    fn from(user: User) -> Self {
        Caller::User(user)
    }
}

impl From<Partner> for Caller {
    fn from(partner: Partner) -> Self {
        Caller::Partner(partner)
    }
}

/// Accepts the tokens in [`demo`].
#[derive(Clone, Copy, Debug)]
pub struct DemoTokens;

impl Authenticate<Bearer> for DemoTokens {
    type Identity = User;

    async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<User>, AuthError> {
        if token.matches(demo::ADA_TOKEN) {
            Ok(User { name: "ada", scopes: &["orders:read", "orders:write"], role: None }.into())
        } else if token.matches(demo::EVE_TOKEN) {
            Ok(User { name: "eve", scopes: &["orders:read"], role: Some(Role::Auditor) }.into())
        } else if token.matches(demo::EXPIRED_TOKEN) {
            Err(AuthError::expired())
        } else {
            // The caller learns only that the token is invalid. The cause goes to the operator's log.
            Err(AuthError::invalid().because("no such token"))
        }
    }
}

/// Accepts the API key in [`demo`].
#[derive(Clone, Copy, Debug)]
pub struct DemoKeys;

impl Authenticate<ApiKey> for DemoKeys {
    type Identity = Partner;

    async fn authenticate(&self, key: ApiKeyValue) -> Result<Authenticated<Partner>, AuthError> {
        if key.matches(demo::ACME_KEY) {
            Ok(Partner { name: "acme" }.into())
        } else {
            Err(AuthError::invalid())
        }
    }
}
