//! The services that the tests of the renderings share.

use crate::policy::{
    method::{Access, Checks, Combinator, MethodPolicy},
    service::{ServiceAccess, ServicePolicy},
};

const METHODS: &[MethodPolicy] = &[
    MethodPolicy::new(
        0,
        "list",
        "List",
        false,
        Access::Authenticated(Checks::new(
            Combinator::OneOf,
            &["bearer"],
            &["a", "b"],
            &[],
            None,
            None,
        )),
    ),
    MethodPolicy::new(
        1,
        "find",
        "Find",
        false,
        Access::Optional(Checks::new(
            Combinator::OneOf,
            &["api-key", "bearer via self.tokens"],
            &[],
            &[],
            Some("Self::quota"),
            None,
        )),
    ),
    MethodPolicy::new(
        2,
        "ping",
        "Ping",
        false,
        Access::Anonymous { reason: "a \"probe\" | liveness" },
    ),
    MethodPolicy::new(
        3,
        "pay",
        "Pay",
        false,
        Access::Authenticated(Checks::new(
            Combinator::AllOf,
            &["bearer", "api-key"],
            &[],
            &["Role::Admin", "Role::Owner"],
            None,
            Some("Self::owns"),
        )),
    ),
];

pub(super) fn services() -> [ServicePolicy; 2] {
    [
        ServicePolicy {
            service: "shop.v1.Orders",
            access: ServiceAccess::Guarded { methods: METHODS, bypassed: vec![3] },
        },
        ServicePolicy {
            service: "grpc.health.v1.Health",
            access: ServiceAccess::Open { reason: "probes" },
        },
    ]
}
