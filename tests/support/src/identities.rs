//! The identities that the authenticators of this crate return.

use tonic_guard::{HasRoles, HasScopes};

/// The identity behind a bearer token or a password.
#[derive(Debug, PartialEq, Eq)]
pub struct User {
    /// The user's name.
    pub name: String,
    /// The scopes, separated by spaces.
    pub scopes: &'static str,
}

impl HasScopes for User {
    fn has_scope(&self, scope: &str) -> bool {
        self.scopes.split(' ').any(|granted| granted == scope)
    }
}

/// A role of a [`User`].
#[derive(Debug, PartialEq, Eq)]
pub enum Role {
    /// The role of `ada`.
    Admin,
    /// The role of `eve`.
    Clerk,
    /// No user has it.
    Owner,
}

impl HasRoles<Role> for User {
    fn has_role(&self, role: &Role) -> bool {
        match role {
            Role::Admin => self.name == "ada",
            Role::Clerk => self.name == "eve",
            Role::Owner => false,
        }
    }
}

/// The identity behind an API key.
#[derive(Debug, PartialEq, Eq)]
pub struct Partner(pub String);

/// The identity of a method that accepts both kinds of callers.
#[derive(Debug, PartialEq, Eq)]
pub enum Caller {
    /// A caller with a token or a password.
    User(User),
    /// A caller with an API key.
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

impl Caller {
    /// The user's or the partner's name.
    pub fn name(&self) -> &str {
        match self {
            Caller::User(user) => &user.name,
            Caller::Partner(Partner(name)) => name,
        }
    }
}
