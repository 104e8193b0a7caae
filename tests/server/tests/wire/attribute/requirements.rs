//! `scopes` and `roles`.

use tonic_guard_suite_support::{Role, User, reason};

use super::combinators::assert_outcomes;
use crate::support::service::{ADA, ADAS_PASSWORD, EVE, call, serve_guarded, serve_without_guard};

service!(ReadAndWrite: [scheme = one_of("bearer", "basic"), scopes("read", "write")] => User);
service!(Prefix: [scheme = "bearer", scopes("rea")] => User);
service!(AdminOrOwner: [scheme = "bearer", roles(Role::Admin, Role::Owner)] => User);
service!(ClerkWhoWrites: [scheme = "bearer", scopes("write"), roles(Role::Clerk)] => User);
service!(AdminWhoWrites: [scheme = "bearer", scopes("write"), roles(Role::Admin)] => User);

#[tokio::test]
async fn every_scope_is_required_of_each_alternative() {
    assert_outcomes! { ReadAndWrite,
        &[ADA] => Ok("ada"),
        &[EVE] => Err("ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        &[ADAS_PASSWORD] => Err("ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        &[] => Err("CREDENTIALS_MISSING"),
    }
    assert_outcomes! { Prefix, &[ADA] => Err("ACCESS_TOKEN_SCOPE_INSUFFICIENT") }
}

#[tokio::test]
async fn one_of_the_roles_is_enough() {
    assert_outcomes! { AdminOrOwner,
        &[ADA] => Ok("ada"),
        &[EVE] => Err("PERMISSION_DENIED"),
    }
}

#[tokio::test]
async fn scopes_and_roles_are_both_required() {
    assert_outcomes! { ClerkWhoWrites,
        &[ADA] => Err("PERMISSION_DENIED"),
        &[EVE] => Err("ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
    }
    assert_outcomes! { AdminWhoWrites, &[ADA] => Ok("ada") }
}
