//! Attributes that a macro repeats: they have one source location, and sometimes the same text, but
//! different values.

use tonic::{Code, Request, Response, Status};
use tonic_guard::{
    AuthError, Authenticate, Authenticated, HasRoles, authenticated, scheme::Bearer,
    scheme::BearerToken,
};
use tonic_guard_suite_support::pb::{Note, extra_server::Extra};

use crate::support::service::{ADA, call, call_get_url, says, serve_guarded, serve_without_guard};

/// Admits every caller at one level.
struct AtLevel(u32);

struct Level(u32);

impl HasRoles<Level> for Level {
    fn has_role(&self, least: &Level) -> bool {
        self.0 >= least.0
    }
}

impl Authenticate<Bearer> for AtLevel {
    type Identity = Level;

    async fn authenticate(&self, _: BearerToken) -> Result<Authenticated<Level>, AuthError> {
        Ok(Level(self.0).into())
    }
}

macro_rules! service {
    ($name:ident { $($method:ident [$least:expr])* }) => {
        #[derive(Authenticate)]
        struct $name(#[verifies("bearer")] AtLevel);

        #[authenticated]
        #[tonic::async_trait]
        impl Extra for $name {
            $(#[authenticated(scheme = "bearer", roles(Level($least)))]
            async fn $method(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
                says("in")
            })*
        }
    };
}

// An expression that a macro passes on is an invisible group: `9 - (5 - 2)`.
macro_rules! from_outside {
    ($name:ident $less:expr) => {
        service! { $name { unary [9 - 5 - 2] get_url [9 - $less] } }
    };
}

from_outside! { Grouped 5 - 2 }

#[tokio::test]
async fn each_attribute_holds_for_its_method() {
    for (level, unary, get_url) in
        [(1, false, false), (2, true, false), (5, true, false), (6, true, true)]
    {
        for (checked_by, server) in [
            ("the guard", serve_guarded(Grouped(AtLevel(level))).await),
            ("the handler check", serve_without_guard(Grouped(AtLevel(level))).await),
        ] {
            for (answer, may) in [
                (call(&server, &[ADA]).await, unary),
                (call_get_url(&server, &[ADA]).await, get_url),
            ] {
                let code = answer.map_or_else(|status| status.code(), |_| Code::Ok);
                let expected = if may { Code::Ok } else { Code::PermissionDenied };
                assert_eq!(code, expected, "level {level}, checked by {checked_by}");
            }
        }
    }
}
