//! The answer to a rejected caller: each row of the table in the crate's documentation, with and
//! without a guard.

use http::StatusCode;
use tonic::{Code, transport::Server};
use tonic_guard::{GuardedRoutes, guard, scheme::Bearer};
use tonic_guard_suite_support::{
    Caller, Role, Running, User, challenges, error_info, pb::extra_server::ExtraServer,
};

use crate::support::{
    frames::{self, END_HEADERS, END_STREAM, Frame, HEADERS},
    raw::{H2, UNARY, framed, one_note},
    service::{ACME, ADA, ADAS_PASSWORD, EVE, call, note, serve_guarded, serve_without_guard},
};

service!(Scoped: [scheme = Bearer::realm("orders"), scopes("read", "write")] => User);
service!(Ranked: [scheme = "bearer", roles(Role::Admin, Role::Owner)] => User);
service!(Any: [scheme = one_of("api-key", "basic", "bearer")] => Caller);

/// A rejected call and its answer.
struct Row {
    headers: &'static [(&'static str, &'static str)],
    code: Code,
    message: &'static str,
    /// The reason and the scheme of its `ErrorInfo`; none for INTERNAL.
    info: Option<(&'static str, &'static str)>,
    challenges: &'static [&'static str],
}

const SCOPED: &[Row] = &[
    Row {
        headers: &[],
        code: Code::Unauthenticated,
        message: "credentials are missing",
        info: Some(("CREDENTIALS_MISSING", "bearer")),
        challenges: &[r#"Bearer realm="orders""#],
    },
    Row {
        headers: &[ADA, ADA],
        code: Code::Unauthenticated,
        message: "credentials are presented more than once",
        info: Some(("OVERLOADED_CREDENTIALS", "bearer")),
        challenges: &[r#"Bearer realm="orders", error="invalid_request""#],
    },
    Row {
        headers: &[("authorization", "Bearer ada token")],
        code: Code::Unauthenticated,
        message: "the credentials are malformed",
        info: Some(("CREDENTIALS_MALFORMED", "bearer")),
        challenges: &[r#"Bearer realm="orders", error="invalid_request""#],
    },
    Row {
        headers: &[ADAS_PASSWORD],
        code: Code::Unauthenticated,
        message: "credentials of this type are not accepted here",
        info: Some(("CREDENTIAL_TYPE_UNSUPPORTED", "bearer")),
        challenges: &[r#"Bearer realm="orders""#],
    },
    Row {
        headers: &[("authorization", "Bearer nobodys-token")],
        code: Code::Unauthenticated,
        message: "the credentials are invalid",
        info: Some(("CREDENTIALS_INVALID", "bearer")),
        challenges: &[r#"Bearer realm="orders", error="invalid_token""#],
    },
    Row {
        headers: &[("authorization", "Bearer old-token")],
        code: Code::Unauthenticated,
        message: "the credentials have expired",
        info: Some(("ACCESS_TOKEN_EXPIRED", "bearer")),
        challenges: &[r#"Bearer realm="orders", error="invalid_token""#],
    },
    Row {
        headers: &[EVE],
        code: Code::PermissionDenied,
        message: "the credentials lack a required scope",
        info: Some(("ACCESS_TOKEN_SCOPE_INSUFFICIENT", "bearer")),
        challenges: &[r#"Bearer realm="orders", error="insufficient_scope", scope="read write""#],
    },
    Row {
        headers: &[("authorization", "Bearer down")],
        code: Code::Unavailable,
        message: "the credentials can't be checked now",
        info: Some(("AUTHENTICATOR_UNAVAILABLE", "bearer")),
        challenges: &[],
    },
    Row {
        headers: &[("authorization", "Bearer panic")],
        code: Code::Internal,
        message: "the call could not be checked",
        info: None,
        challenges: &[],
    },
];

const RANKED: &[Row] = &[Row {
    headers: &[EVE],
    code: Code::PermissionDenied,
    message: "permission denied",
    info: Some(("PERMISSION_DENIED", "bearer")),
    challenges: &[],
}];

const ANY: &[Row] = &[
    Row {
        headers: &[],
        code: Code::Unauthenticated,
        message: "credentials are missing",
        info: Some(("CREDENTIALS_MISSING", "api-key, basic, bearer")),
        challenges: &[
            r#"ApiKey header="x-api-key""#,
            r#"Basic realm="grpc", charset="UTF-8""#,
            "Bearer",
        ],
    },
    Row {
        headers: &[ADA, ACME],
        code: Code::Unauthenticated,
        message: "credentials are presented more than once",
        info: Some(("OVERLOADED_CREDENTIALS", "api-key, basic, bearer")),
        challenges: &[
            r#"ApiKey header="x-api-key", error="invalid_request""#,
            r#"Basic realm="grpc", charset="UTF-8", error="invalid_request""#,
            r#"Bearer error="invalid_request""#,
        ],
    },
    // One header that two of the schemes read: neither has decided.
    Row {
        headers: &[ADA, ADA],
        code: Code::Unauthenticated,
        message: "credentials are presented more than once",
        info: Some(("OVERLOADED_CREDENTIALS", "api-key, basic, bearer")),
        challenges: &[
            r#"ApiKey header="x-api-key", error="invalid_request""#,
            r#"Basic realm="grpc", charset="UTF-8", error="invalid_request""#,
            r#"Bearer error="invalid_request""#,
        ],
    },
    Row {
        headers: &[("authorization", "Negotiate YQ==")],
        code: Code::Unauthenticated,
        message: "credentials of this type are not accepted here",
        info: Some(("CREDENTIAL_TYPE_UNSUPPORTED", "api-key, basic, bearer")),
        challenges: &[
            r#"ApiKey header="x-api-key""#,
            r#"Basic realm="grpc", charset="UTF-8""#,
            "Bearer",
        ],
    },
    Row {
        headers: &[("x-api-key", "key-9")],
        code: Code::Unauthenticated,
        message: "the credentials are invalid",
        info: Some(("API_KEY_INVALID", "api-key")),
        challenges: &[r#"ApiKey header="x-api-key", error="invalid_token""#],
    },
    Row {
        headers: &[("authorization", "Basic YWRhOndyb25n")],
        code: Code::Unauthenticated,
        message: "the credentials are invalid",
        info: Some(("CREDENTIALS_INVALID", "basic")),
        challenges: &[r#"Basic realm="grpc", charset="UTF-8", error="invalid_token""#],
    },
];

/// Whether the rejections name the service and the method, as those of a guard do.
#[derive(Clone, Copy, PartialEq)]
enum Names {
    Both,
    Neither,
}

async fn assert_rejected(server: &Running, rows: &[Row], names: Names, domain: &str) {
    for row in rows {
        let Row { headers, .. } = row;
        let rejected = call(server, headers).await.unwrap_err();
        assert_eq!(rejected.code(), row.code, "{headers:?}");
        assert_eq!(rejected.message(), row.message, "{headers:?}");
        assert_eq!(challenges(&rejected), row.challenges, "{headers:?}");
        let info = error_info(&rejected);
        match (row.info, info) {
            (None, None) => {}
            (Some((reason, scheme)), Some(info)) => {
                assert_eq!((&*info.0, &*info.1), (reason, domain), "{headers:?}");
                let mut metadata: Vec<_> =
                    info.2.iter().map(|(key, value)| (&**key, &**value)).collect();
                metadata.sort_unstable();
                let expected = match names {
                    Names::Both => vec![
                        ("method", "Unary"),
                        ("scheme", scheme),
                        ("service", "guard.test.v1.Extra"),
                    ],
                    Names::Neither => vec![("scheme", scheme)],
                };
                assert_eq!(metadata, expected, "{headers:?}");
            }
            (expected, metadata) => panic!("{headers:?}: {metadata:?} is not {expected:?}"),
        }
    }
}

#[tokio::test]
async fn each_rejection_of_the_guard_follows_the_table() {
    let scoped = serve_guarded(Scoped::default()).await;
    assert_rejected(&scoped, SCOPED, Names::Both, "tonic-guard").await;
    // The second time the answer comes from the cache.
    assert_rejected(&scoped, SCOPED, Names::Both, "tonic-guard").await;
    assert!(call(&scoped, &[ADA]).await.unwrap().contains("ada"));
    let ranked = serve_guarded(Ranked::default()).await;
    assert_rejected(&ranked, RANKED, Names::Both, "tonic-guard").await;
    assert!(call(&ranked, &[ADA]).await.unwrap().contains("ada"));
    let any = serve_guarded(Any::default()).await;
    assert_rejected(&any, ANY, Names::Both, "tonic-guard").await;
    assert!(call(&any, &[ACME]).await.unwrap().contains("acme"));
}

#[tokio::test]
async fn each_rejection_of_the_handler_check_omits_the_service_and_the_method() {
    let scoped = serve_without_guard(Scoped::default()).await;
    assert_rejected(&scoped, SCOPED, Names::Neither, "tonic-guard").await;
    assert!(call(&scoped, &[ADA]).await.unwrap().contains("ada"));
    let ranked = serve_without_guard(Ranked::default()).await;
    assert_rejected(&ranked, RANKED, Names::Neither, "tonic-guard").await;
    assert!(call(&ranked, &[ADA]).await.unwrap().contains("ada"));
    let any = serve_without_guard(Any::default()).await;
    assert_rejected(&any, ANY, Names::Neither, "tonic-guard").await;
    assert!(call(&any, &[ACME]).await.unwrap().contains("acme"));
}

#[tokio::test]
async fn rejection_has_the_domain_of_the_guard() {
    let guard = guard(Scoped::default(), ExtraServer::from_arc).error_domain("orders.example.com");
    let server = Running::start(Server::builder().add_service(guard)).await;
    assert_rejected(&server, SCOPED, Names::Both, "orders.example.com").await;
    assert!(call(&server, &[ADA]).await.is_ok());
}

#[tokio::test]
async fn guard_behind_a_layer_keeps_its_domain() {
    let guard = guard(Scoped::default(), ExtraServer::from_arc).error_domain("orders.example.com");
    let routes = GuardedRoutes::new().guarded_behind(guard, |guard| guard);
    let server = Running::start(Server::builder().add_routes(routes.into())).await;
    assert_rejected(&server, SCOPED, Names::Both, "orders.example.com").await;
}

#[test]
fn invalid_domain_panics_at_start() {
    for domain in ["", "a b", "a\n", "a\"b", "ä"] {
        let made = std::panic::catch_unwind(|| {
            guard(Scoped::default(), ExtraServer::from_arc).error_domain(domain)
        });
        assert!(made.is_err(), "{domain:?}");
    }
}

#[tokio::test]
async fn rejection_is_one_headers_frame() {
    for server in
        [serve_guarded(Scoped::default()).await, serve_without_guard(Scoped::default()).await]
    {
        for row in SCOPED {
            let headers: Vec<(&[u8], &[u8])> = row
                .headers
                .iter()
                .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
                .collect();
            let frames =
                frames::send(&server, &frames::head(UNARY, &headers), &framed(&note(""))).await;
            let only = Frame { kind: HEADERS, flags: END_STREAM | END_HEADERS };
            assert_eq!(frames, [only], "{:?}", row.headers);
        }
        let good: [(&[u8], &[u8]); 1] = [(b"authorization", b"Bearer ada-token")];
        let frames = frames::send(&server, &frames::head(UNARY, &good), &framed(&note(""))).await;
        assert_eq!(frames.len(), 3, "headers, a message, trailers: {frames:?}");
    }
}

#[tokio::test]
async fn rejection_is_http_200_with_the_grpc_content_type() {
    for server in
        [serve_guarded(Scoped::default()).await, serve_without_guard(Scoped::default()).await]
    {
        let mut h2 = H2::connect(&server).await;
        for row in SCOPED {
            let headers: Vec<(&str, &[u8])> =
                row.headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
            let answer = h2.send(h2.request(UNARY, &headers, one_note())).await.unwrap();
            assert_eq!(answer.http, StatusCode::OK);
            assert_eq!(answer.headers["content-type"], "application/grpc");
            assert_eq!(answer.headers["grpc-status"], i32::from(row.code).to_string());
            assert!(answer.data.is_empty() && answer.trailers.is_none());
        }
    }
}
