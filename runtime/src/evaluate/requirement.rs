//! Requirements: the scopes and roles that a policy demands of an identity.

use std::{borrow::Cow, sync::Arc};

use crate::reason::Reason;

/// An identity with scopes, which `scopes(..)` requires.
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
    message = "`scopes(..)` requires an identity with scopes, found `{Self}`",
    label = "the trait `HasScopes` is not implemented for the identity `{Self}`",
    note = "implement `tonic_guard::HasScopes` for `{Self}`"
)]
pub trait HasScopes {
    /// Whether the caller has `scope`. Compare whole scopes, not prefixes.
    fn has_scope(&self, scope: &str) -> bool;
}

/// An identity with roles of the type `R`, which `roles(..)` requires.
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
    message = "`roles(..)` requires an identity with roles of the type `{R}`, found `{Self}`",
    label = "the trait `HasRoles<{R}>` is not implemented for the identity `{Self}`",
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

    /// The scopes for the challenge of a rejection.
    fn scopes(&self) -> Cow<'static, [&'static str]> {
        Cow::Borrowed(&[])
    }
}

impl<I> Requirement<I> for () {
    fn check(&self, _: &I) -> Result<(), Reason> {
        Ok(())
    }
}

/// Requires all of these scopes, as is usual in OAuth.
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

/// Requires at least one of these roles, as `@RolesAllowed` of Jakarta EE does.
#[derive(Debug)]
pub struct Roles<R, const N: usize>(pub [R; N]);

impl<R: Send + Sync, I: HasRoles<R>, const N: usize> Requirement<I> for Roles<R, N> {
    fn check(&self, identity: &I) -> Result<(), Reason> {
        if self.0.iter().any(|role| identity.has_role(role)) { Ok(()) } else { Err(Reason::Denied) }
    }
}

/// Requires `A` and `B`.
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

    /// An identity with the listed scopes and roles.
    struct Granted(&'static [&'static str]);

    impl HasScopes for Granted {
        fn has_scope(&self, scope: &str) -> bool {
            self.0.contains(&scope)
        }
    }

    impl HasRoles<&'static str> for Granted {
        fn has_role(&self, role: &&'static str) -> bool {
            self.0.contains(role)
        }
    }

    #[test]
    fn every_scope_is_required() {
        let read_and_write = Scopes(&["read", "write"]);
        assert_eq!(read_and_write.check(&Granted(&["write", "read"])), Ok(()));
        for identity in
            [Granted(&[]), Granted(&["read"]), Granted(&["write"]), Granted(&["readwrite"])]
        {
            assert_eq!(read_and_write.check(&identity), Err(Reason::InsufficientScope));
        }
        assert_eq!(Requirement::<Granted>::scopes(&read_and_write), ["read", "write"].as_slice());
    }

    #[test]
    fn one_role_is_enough() {
        let admin_or_clerk = Roles(["admin", "clerk"]);
        assert_eq!(admin_or_clerk.check(&Granted(&["clerk"])), Ok(()));
        assert_eq!(admin_or_clerk.check(&Granted(&["guest"])), Err(Reason::Denied));
        assert!(Requirement::<Granted>::scopes(&admin_or_clerk).is_empty());
    }

    #[test]
    fn and_requires_both() {
        let both = And(And((), Scopes(&["read"])), Roles(["admin"]));
        assert_eq!(both.check(&Granted(&["read", "admin"])), Ok(()));
        assert_eq!(both.check(&Granted(&["admin"])), Err(Reason::InsufficientScope));
        assert_eq!(both.check(&Granted(&["read"])), Err(Reason::Denied));
        assert_eq!(Requirement::<Granted>::scopes(&both), ["read"].as_slice());
        let scopes = And(Scopes(&["read"]), Scopes(&["write"]));
        assert_eq!(Requirement::<Granted>::scopes(&scopes), ["read", "write"].as_slice());
    }

    #[test]
    fn an_arc_has_the_scopes_and_roles_of_its_identity() {
        let shared = Arc::new(Granted(&["read"]));
        assert!(shared.has_scope("read") && !shared.has_scope("write"));
        assert!(shared.has_role(&"read") && !shared.has_role(&"write"));
    }
}
