//! Who callers are, and the verifiers that find out. A real service has a verifier of signed tokens
//! and a store of hashed keys here; these know a few constants.

use tonic_guard::{
    AuthError, Authenticate, HasRoles, HasScopes,
    scheme::{ApiKey, ApiKeyValue, Bearer, BearerToken},
};

/// The credentials that the verifiers know.
pub mod demo {
    /// The token of `ada`, who may read and cancel orders.
    pub const ADA_TOKEN: &str = "ada-demo-token";
    /// The token of `eve`, an auditor, who may read orders.
    pub const EVE_TOKEN: &str = "eve-demo-token";
    /// A token that was good once.
    pub const EXPIRED_TOKEN: &str = "expired-demo-token";
    /// The API key of the partner `acme`.
    pub const ACME_KEY: &str = "acme-demo-key";
}

/// Who a bearer token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The user's name.
    pub name: &'static str,
    scopes: &'static [&'static str],
    role: Option<Role>,
}

/// What a [`User`] is beyond a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// May see the orders of everyone.
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

/// Who an API key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partner {
    /// The partner's name.
    pub name: &'static str,
}

/// The type in which users and partners meet, for a method that takes both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Came with a bearer token.
    User(User),
    /// Came with an API key.
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

/// Knows the tokens in [`demo`].
#[derive(Clone, Copy, Debug)]
pub struct DemoTokens;

impl Authenticate<Bearer> for DemoTokens {
    type Identity = User;

    async fn authenticate(&self, token: BearerToken) -> Result<User, AuthError> {
        if token.matches(demo::ADA_TOKEN) {
            Ok(User { name: "ada", scopes: &["orders:read", "orders:write"], role: None })
        } else if token.matches(demo::EVE_TOKEN) {
            Ok(User { name: "eve", scopes: &["orders:read"], role: Some(Role::Auditor) })
        } else if token.matches(demo::EXPIRED_TOKEN) {
            Err(AuthError::expired())
        } else {
            // The caller hears that the token is wrong; why is for the operator's log.
            Err(AuthError::invalid().because("no such token"))
        }
    }
}

/// Knows the API key in [`demo`].
#[derive(Clone, Copy, Debug)]
pub struct DemoKeys;

impl Authenticate<ApiKey> for DemoKeys {
    type Identity = Partner;

    async fn authenticate(&self, key: ApiKeyValue) -> Result<Partner, AuthError> {
        if key.matches(demo::ACME_KEY) {
            Ok(Partner { name: "acme" })
        } else {
            Err(AuthError::invalid())
        }
    }
}
