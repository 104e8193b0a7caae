//! What a policy asks of an identity: scopes and roles.

#![allow(missing_docs, missing_debug_implementations, reason = "generated code alone calls this")]

use std::{borrow::Cow, sync::Arc};

use crate::evaluate::rejection::Reason;

/// An identity that carries scopes, for `scopes(..)`.
///
/// ```
/// # use tonic_guard::HasScopes;
/// struct Claims {
///     scope: String,
/// }
///
/// impl HasScopes for Claims {
///     fn has_scope(&self, scope: &str) -> bool {
///         self.scope.split(' ').any(|granted| granted == scope)
///     }
/// }
///
/// let claims = Claims { scope: "orders:read orders:write".into() };
/// assert!(claims.has_scope("orders:read"));
/// assert!(!claims.has_scope("orders"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`scopes(..)` is asked of `{Self}`, which carries no scopes",
    label = "`HasScopes` isn't implemented for this identity",
    note = "implement `tonic_guard::HasScopes` for `{Self}`"
)]
pub trait HasScopes {
    /// Whether the caller was granted `scope`, compared as a whole.
    fn has_scope(&self, scope: &str) -> bool;
}

/// An identity that has roles of the type `R`, for `roles(..)`.
///
/// ```
/// # use tonic_guard::HasRoles;
/// #[derive(PartialEq)]
/// enum Role {
///     Admin,
///     Clerk,
/// }
///
/// struct User {
///     role: Role,
/// }
///
/// impl HasRoles<Role> for User {
///     fn has_role(&self, role: &Role) -> bool {
///         self.role == *role
///     }
/// }
///
/// assert!(!User { role: Role::Clerk }.has_role(&Role::Admin));
/// ```
#[diagnostic::on_unimplemented(
    message = "`roles(..)` asks `{Self}` for a role of the type `{R}`, which it doesn't have",
    label = "`HasRoles<{R}>` isn't implemented for this identity",
    note = "implement `tonic_guard::HasRoles<{R}>` for `{Self}`"
)]
pub trait HasRoles<R> {
    /// Whether the caller has `role`.
    fn has_role(&self, role: &R) -> bool;
}

#[diagnostic::do_not_recommend]
impl<T: HasScopes + ?Sized> HasScopes for Arc<T> {
    fn has_scope(&self, scope: &str) -> bool {
        T::has_scope(self, scope)
    }
}

#[diagnostic::do_not_recommend]
impl<R, T: HasRoles<R> + ?Sized> HasRoles<R> for Arc<T> {
    fn has_role(&self, role: &R) -> bool {
        T::has_role(self, role)
    }
}

/// A condition on an identity of the type `I`.
pub trait Requirement<I>: Send + Sync {
    fn check(&self, identity: &I) -> Result<(), Reason>;

    /// The scopes that a refused caller is told to ask for.
    fn scopes(&self) -> Cow<'static, [&'static str]> {
        Cow::Borrowed(&[])
    }
}

impl<I> Requirement<I> for () {
    fn check(&self, _: &I) -> Result<(), Reason> {
        Ok(())
    }
}

/// All of these scopes: OAuth's habit.
#[derive(Debug)]
pub struct Scopes(pub &'static [&'static str]);

impl<I: HasScopes> Requirement<I> for Scopes {
    fn check(&self, identity: &I) -> Result<(), Reason> {
        if self.0.iter().all(|scope| identity.has_scope(scope)) {
            Ok(())
        } else {
            Err(Reason::InsufficientScope)
        }
    }

    fn scopes(&self) -> Cow<'static, [&'static str]> {
        Cow::Borrowed(self.0)
    }
}

/// Any of these roles: the habit of `RolesAllowed`.
#[derive(Debug)]
pub struct Roles<R, const N: usize>(pub [R; N]);

impl<R: Send + Sync, I: HasRoles<R>, const N: usize> Requirement<I> for Roles<R, N> {
    fn check(&self, identity: &I) -> Result<(), Reason> {
        if self.0.iter().any(|role| identity.has_role(role)) { Ok(()) } else { Err(Reason::Denied) }
    }
}

/// Both.
#[derive(Debug)]
pub struct And<A, B>(pub A, pub B);

impl<I, A: Requirement<I>, B: Requirement<I>> Requirement<I> for And<A, B> {
    fn check(&self, identity: &I) -> Result<(), Reason> {
        self.0.check(identity)?;
        self.1.check(identity)
    }

    fn scopes(&self) -> Cow<'static, [&'static str]> {
        let (left, right) = (self.0.scopes(), self.1.scopes());
        if right.is_empty() { left } else { [left, right].concat().into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Has the scopes and roles that it lists.
    struct Has(&'static [&'static str]);

    impl HasScopes for Has {
        fn has_scope(&self, scope: &str) -> bool {
            self.0.contains(&scope)
        }
    }

    impl HasRoles<&'static str> for Has {
        fn has_role(&self, role: &&'static str) -> bool {
            self.0.contains(role)
        }
    }

    #[test]
    fn every_scope_is_needed() {
        let read_and_write = Scopes(&["read", "write"]);
        assert_eq!(read_and_write.check(&Has(&["write", "read"])), Ok(()));
        for has in [Has(&[]), Has(&["read"]), Has(&["write"]), Has(&["readwrite"])] {
            assert_eq!(read_and_write.check(&has), Err(Reason::InsufficientScope));
        }
        assert_eq!(Requirement::<Has>::scopes(&read_and_write), ["read", "write"].as_slice());
    }

    #[test]
    fn any_role_is_enough() {
        let admin_or_clerk = Roles(["admin", "clerk"]);
        assert_eq!(admin_or_clerk.check(&Has(&["clerk"])), Ok(()));
        assert_eq!(admin_or_clerk.check(&Has(&["guest"])), Err(Reason::Denied));
        assert!(Requirement::<Has>::scopes(&admin_or_clerk).is_empty());
    }

    #[test]
    fn both_are_needed() {
        let both = And(And((), Scopes(&["read"])), Roles(["admin"]));
        assert_eq!(both.check(&Has(&["read", "admin"])), Ok(()));
        assert_eq!(both.check(&Has(&["admin"])), Err(Reason::InsufficientScope));
        assert_eq!(both.check(&Has(&["read"])), Err(Reason::Denied));
        assert_eq!(Requirement::<Has>::scopes(&both), ["read"].as_slice());
        let scopes = And(Scopes(&["read"]), Scopes(&["write"]));
        assert_eq!(Requirement::<Has>::scopes(&scopes), ["read", "write"].as_slice());
    }

    #[test]
    fn a_shared_identity_has_what_it_shares() {
        let shared = Arc::new(Has(&["read"]));
        assert!(shared.has_scope("read") && !shared.has_scope("write"));
        assert!(shared.has_role(&"read") && !shared.has_role(&"write"));
    }
}
