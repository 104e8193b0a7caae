//! `scopes` and `roles`.

use tonic_guard_tests::{Role, User, reason};

use super::combinators::judge;
use crate::support::service::{
    ADA, ADAS_PASSWORD, EVE, at_the_front_door, at_the_methods_door, call,
};

service!(ReadAndWrite: [scheme = one_of("bearer", "basic"), scopes("read", "write")] => User);
service!(Prefix: [scheme = "bearer", scopes("rea")] => User);
service!(AdminOrOwner: [scheme = "bearer", roles(Role::Admin, Role::Owner)] => User);
service!(ClerkWhoWrites: [scheme = "bearer", scopes("write"), roles(Role::Clerk)] => User);
service!(AdminWhoWrites: [scheme = "bearer", scopes("write"), roles(Role::Admin)] => User);

#[tokio::test]
async fn every_scope_is_needed_from_each_alternative() {
    judge! { ReadAndWrite,
        &[ADA] => Ok("ada"),
        &[EVE] => Err("ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        &[ADAS_PASSWORD] => Err("ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        &[] => Err("CREDENTIALS_MISSING"),
    }
    judge! { Prefix, &[ADA] => Err("ACCESS_TOKEN_SCOPE_INSUFFICIENT") }
}

#[tokio::test]
async fn any_role_is_enough() {
    judge! { AdminOrOwner,
        &[ADA] => Ok("ada"),
        &[EVE] => Err("PERMISSION_DENIED"),
    }
}

#[tokio::test]
async fn scopes_and_roles_are_both_asked() {
    judge! { ClerkWhoWrites,
        &[ADA] => Err("PERMISSION_DENIED"),
        &[EVE] => Err("ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
    }
    judge! { AdminWhoWrites, &[ADA] => Ok("ada") }
}
