//! The policy table, obtained in three ways and rendered in its formats.

use serde_json::{Value, json};
use tonic::{Request, Response, Status};
use tonic_guard::{
    Access, AuthError, CallHead, Combinator, GuardedRoutes, authenticated, guard, policy_of,
    scheme::ApiKey,
};
use tonic_guard_suite_support::{
    Keys, Role, Tokens, User,
    pb::{
        Note,
        extra_server::{Extra, ExtraServer},
        kinds_server::{Kinds, KindsServer},
    },
};

use crate::support::service::says;

#[derive(tonic_guard::Authenticate, Default)]
struct Service {
    #[verifies("bearer")]
    tokens: Tokens,
    #[verifies("api-key")]
    keys: Keys,
}

impl Service {
    async fn quota(&self, _: &Option<User>, _: &CallHead<'_>) -> Result<(), AuthError> {
        Ok(())
    }

    async fn owns(&self, _: &User, _: &Request<tonic::Streaming<Note>>) -> Result<(), AuthError> {
        Ok(())
    }
}

type Nothing = tokio_stream::Empty<Result<Note, Status>>;

// One type implements both services, so each impl names its server.
#[authenticated(scheme = "bearer", server = KindsServer)]
#[tonic::async_trait]
impl Kinds for Service {
    #[authenticated(scheme = one_of("bearer", ApiKey::header("x-ingest-key") via self.keys), authorize = none)]
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("")
    }

    type DownStream = Nothing;

    async fn down(&self, _: Request<Note>) -> Result<Response<Nothing>, Status> {
        Ok(Response::new(tokio_stream::empty()))
    }

    #[authenticated(
        scheme = "bearer",
        scopes("orders:read", "orders:write"),
        roles(Role::Admin, Role::Owner),
        authorize_request = Self::owns,
    )]
    async fn up(&self, _: Request<tonic::Streaming<Note>>) -> Result<Response<Note>, Status> {
        says("")
    }

    type BothStream = Nothing;

    #[authenticated(scheme = all_of("bearer", "api-key"))]
    async fn both(&self, _: Request<tonic::Streaming<Note>>) -> Result<Response<Nothing>, Status> {
        Ok(Response::new(tokio_stream::empty()))
    }
}

#[authenticated(server = ExtraServer)]
#[tonic::async_trait]
impl Extra for Service {
    #[authenticated(scheme = optional("bearer"), authorize = Self::quota)]
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("")
    }

    #[anonymous(reason = "a \"probe\" | liveness")]
    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("")
    }
}

fn routes() -> GuardedRoutes {
    let (_, health) = tonic_health::server::health_reporter();
    GuardedRoutes::new()
        .guarded(guard(Service::default(), KindsServer::from_arc))
        .guarded(guard(Service::default(), ExtraServer::from_arc))
        .open(health, "load balancers ask")
}

#[test]
fn policy_is_the_same_with_and_without_an_instance() {
    let kinds = policy_of(KindsServer::<Service>::from_arc);
    let extra = policy_of(ExtraServer::<Service>::from_arc);
    assert_eq!(guard(Service::default(), KindsServer::from_arc).policy(), kinds);
    assert_eq!(guard(Service::default(), ExtraServer::from_arc).policy(), extra);
    let routes = routes();
    let [first, second, health] = routes.policy().services() else { panic!("three services") };
    assert_eq!((first, second), (&kinds, &extra));
    assert_eq!(health.open_reason(), Some("load balancers ask"));
    assert_eq!((health.service(), health.methods()), ("grpc.health.v1.Health", &[][..]));
}

#[test]
fn policy_is_data() {
    let policy = policy_of(KindsServer::<Service>::from_arc);
    assert_eq!(policy.service(), "guard.test.v1.Kinds");
    assert_eq!(policy.open_reason(), None);
    let names: Vec<_> =
        policy.methods().iter().map(|method| (method.method(), method.function())).collect();
    assert_eq!(names, [("Unary", "unary"), ("Down", "down"), ("Up", "up"), ("Both", "both")]);
    let Access::Authenticated(checks) = policy.methods()[2].access() else { panic!("guarded") };
    assert_eq!(checks.combinator, Combinator::OneOf);
    assert_eq!(checks.schemes, ["bearer"]);
    assert_eq!(checks.scopes, ["orders:read", "orders:write"]);
    assert_eq!(checks.roles, ["Role::Admin", "Role::Owner"]);
    assert_eq!((checks.authorize, checks.authorize_request), (None, Some("Self::owns")));
    let extra = policy_of(ExtraServer::<Service>::from_arc);
    assert!(matches!(extra.methods()[0].access(), Access::Optional(_)));
    let reason = "a \"probe\" | liveness";
    assert_eq!(extra.methods()[1].access(), Access::Anonymous { reason });
}

#[test]
fn policy_table_renders_as_text() {
    let text = routes().policy().to_string();
    let cells: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect();
    let expected: &[&[&str]] = &[
        &["METHOD", "ACCESS", "SCHEMES", "REQUIRES", "REASON"],
        &[
            "guard.test.v1.Kinds/Unary",
            "authenticated",
            "one_of(bearer, ApiKey::header(\"x-ingest-key\") via self.keys)",
        ],
        &["guard.test.v1.Kinds/Down", "authenticated", "bearer"],
        &[
            "guard.test.v1.Kinds/Up",
            "authenticated",
            "bearer",
            "scopes(orders:read, orders:write), roles(Role::Admin, Role::Owner), authorize_request = Self::owns",
        ],
        &["guard.test.v1.Kinds/Both", "authenticated", "all_of(bearer, api-key)"],
        &["guard.test.v1.Extra/Unary", "OPEN", "optional(bearer)", "authorize = Self::quota"],
        &["guard.test.v1.Extra/GetUrl", "OPEN", "a \"probe\" | liveness"],
        &["grpc.health.v1.Health/*", "OPEN", "load balancers ask"],
    ];
    assert_eq!(cells, expected, "{text}");
}

#[test]
fn policy_table_renders_as_markdown() {
    let markdown = routes().policy().to_markdown();
    let lines: Vec<_> = markdown.lines().collect();
    assert_eq!(lines[0], "| method | access | schemes | requires | reason |");
    assert_eq!(lines[1], "| --- | --- | --- | --- | --- |");
    assert_eq!(lines[3], "| guard.test.v1.Kinds/Down | authenticated | bearer |  |  |");
    assert_eq!(lines[7], r#"| guard.test.v1.Extra/GetUrl | OPEN |  |  | a "probe" \| liveness |"#);
    assert_eq!(lines.len(), 9);
    let one = policy_of(ExtraServer::<Service>::from_arc).to_markdown();
    assert_eq!(one.lines().skip(2).collect::<Vec<_>>(), lines[6..8]);
}

#[test]
fn policy_table_renders_as_json() {
    let all: Value = serde_json::from_str(&routes().policy().to_json()).unwrap();
    assert_eq!(all.as_array().unwrap().len(), 7);
    assert_eq!(
        all[2],
        json!({
            "service": "guard.test.v1.Kinds",
            "method": "Up",
            "access": "authenticated",
            "combinator": "one_of",
            "schemes": ["bearer"],
            "scopes": ["orders:read", "orders:write"],
            "roles": ["Role::Admin", "Role::Owner"],
            "authorize": null,
            "authorize_request": "Self::owns",
        })
    );
    assert_eq!(all[3]["combinator"], "all_of");
    assert_eq!(all[4]["access"], "open");
    assert_eq!(all[4]["combinator"], "optional");
    assert_eq!(
        all[5],
        json!({
            "service": "guard.test.v1.Extra",
            "method": "GetUrl",
            "access": "open",
            "reason": "a \"probe\" | liveness",
        })
    );
    assert_eq!(
        all[6],
        json!({
            "service": "grpc.health.v1.Health",
            "method": "*",
            "access": "open",
            "reason": "load balancers ask",
        })
    );
    let one = policy_of(KindsServer::<Service>::from_arc).to_json();
    let one: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(one.as_array().unwrap()[..], all.as_array().unwrap()[..4]);
}
