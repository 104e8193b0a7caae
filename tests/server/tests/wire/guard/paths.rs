//! Requests to paths without a policy, and requests that aren't gRPC.

use bytes::Bytes;
use http::{HeaderValue, Method, Request};
use tonic::{Code, Status, body::Body};
use tonic_guard::guard;
use tonic_guard_suite_support::{User, pb::extra_server::ExtraServer, reason};
use tower_service::Service;

use crate::support::{
    frames::{self, HEADERS, RST_STREAM},
    raw::{H2, UNARY, framed, one_note},
    service::{note, serve_guarded},
};

service!(Plain: [scheme = "bearer"] => User);

const GOOD: (&str, &[u8]) = ("authorization", b"Bearer ada-token");

/// Paths that match no method, as a client may send them.
const UNKNOWN: &[&str] = &[
    "/guard.test.v1.Extra/Nothing",
    "/guard.test.v1.Extra/",
    "/guard.test.v1.Extra",
    "/guard.test.v1.Extra/Unary/",
    "/guard.test.v1.Extra/Unary/x",
    "/guard.test.v1.Extra//Unary",
    "//guard.test.v1.Extra/Unary",
    "/guard.test.v1.Extra%2FUnary",
    "/guard.test.v1.Extra/%55nary",
    "/guard.test.v1.Extra/Unary%00",
    "/guard.test.v1.Extra/../guard.test.v1.Extra/Unary",
    "/x/../guard.test.v1.Extra/Unary",
    "/guard.test.v1.Extra/./Unary",
    "/guard.test.v1.Extra/*",
    "/guard.test.v1.ExtraX/Unary",
    "/guard.test.v1.extra/Unary",
    "/GUARD.TEST.V1.EXTRA/UNARY",
    "/Extra/Unary",
    "/guard.test.v1.Kinds/Unary",
    "/",
    "/*",
];

#[tokio::test]
async fn unknown_path_is_unimplemented_even_with_good_credentials() {
    let service = Plain::default();
    let ran = service.ran.clone();
    let server = serve_guarded(service).await;
    let mut h2 = H2::connect(&server).await;
    for path in UNKNOWN {
        for headers in [&[GOOD][..], &[]] {
            let answer = h2.send(h2.request(path, headers, one_note())).await.unwrap();
            assert_eq!(answer.status().code(), Code::Unimplemented, "{path}");
        }
    }
    assert_eq!(ran.times(), 0);
    let answer = h2.send(h2.request(UNARY, &[GOOD], one_note())).await.unwrap();
    assert_eq!(answer.status().code(), Code::Ok);
}

/// The guard answers this itself, because not every router rejects unknown paths.
#[tokio::test]
async fn guard_without_a_router_rejects_unknown_paths() {
    let service = Plain::default();
    let ran = service.ran.clone();
    let mut guard = guard(service, ExtraServer::from_arc);
    let mut call = async |path: &str| {
        let body = Body::new(http_body_util::Full::new(framed(&note(""))));
        let mut request = Request::post(path).body(body).unwrap();
        request.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
        request.headers_mut().insert("authorization", HeaderValue::from_static("Bearer ada-token"));
        guard.call(request).await.unwrap().headers().get("grpc-status").cloned()
    };
    for path in UNKNOWN.iter().chain(&["*"]) {
        assert_eq!(call(path).await.unwrap(), "12", "{path}");
    }
    assert_eq!(ran.times(), 0);
    assert_eq!(call(UNARY).await, None);
    assert_eq!(ran.times(), 1);
}

#[tokio::test]
async fn name_that_maps_to_a_policy_is_checked_before_it_is_unimplemented() {
    let service = Plain::default();
    let ran = service.ran.clone();
    let server = serve_guarded(service).await;
    let mut h2 = H2::connect(&server).await;
    for name in ["unary", "UNARY", "_Unary", "Get_URL"] {
        let path = format!("/guard.test.v1.Extra/{name}");
        let answer = h2.send(h2.request(&path, &[], one_note())).await.unwrap();
        assert_eq!(reason(&answer.status()), "CREDENTIALS_MISSING", "{name}");
        let answer = h2.send(h2.request(&path, &[GOOD], one_note())).await.unwrap();
        assert_eq!(answer.status().code(), Code::Unimplemented, "{name}");
    }
    assert_eq!(ran.times(), 0);
    // The code generator and this crate both map it to `get_url`.
    let path = "/guard.test.v1.Extra/GetURL";
    let rejected = h2.send(h2.request(path, &[], one_note())).await.unwrap().status();
    assert_eq!(reason(&rejected), "CREDENTIALS_MISSING");
    assert_eq!(tonic_guard_suite_support::error_info(&rejected).unwrap().2["method"], "GetUrl");
    let answer = h2.send(h2.request(path, &[GOOD], one_note())).await.unwrap();
    assert_eq!((answer.status().code(), ran.times()), (Code::Ok, 1));
}

#[tokio::test]
async fn query_does_not_change_the_policy() {
    let service = Plain::default();
    let ran = service.ran.clone();
    let server = serve_guarded(service).await;
    let mut h2 = H2::connect(&server).await;
    let path = format!("{UNARY}?x");
    let answer = h2.send(h2.request(&path, &[], one_note())).await.unwrap();
    assert_eq!((reason(&answer.status()).as_str(), ran.times()), ("CREDENTIALS_MISSING", 0));
    let answer = h2.send(h2.request(&path, &[GOOD], one_note())).await.unwrap();
    assert_eq!((answer.status().code(), ran.times()), (Code::Ok, 1));
}

#[tokio::test]
async fn malformed_path_reaches_no_handler() {
    let service = Plain::default();
    let ran = service.ran.clone();
    let server = serve_guarded(service).await;
    let good: (&[u8], &[u8]) = (b"authorization", b"Bearer ada-token");
    for path in ["guard.test.v1.Extra/Unary", "", "*", "/guard.test.v1.Extra/Un ary", "\\x"] {
        let sent = frames::head(path, &[good]);
        let frames = frames::send(&server, &sent, &framed(&note(""))).await;
        let kinds: Vec<_> = frames.iter().map(|frame| frame.kind).collect();
        assert!(matches!(*kinds, [HEADERS | RST_STREAM]), "{path:?}: {frames:?}");
    }
    assert_eq!(ran.times(), 0);
    frames::send(&server, &frames::head(UNARY, &[good]), &framed(&note(""))).await;
    assert_eq!(ran.times(), 1);
}

#[tokio::test]
async fn request_that_is_not_grpc_reaches_no_handler() {
    let service = Plain::default();
    let ran = service.ran.clone();
    let server = serve_guarded(service).await;
    let mut h2 = H2::connect(&server).await;
    let cases = [
        (Method::GET, Some("application/grpc")),
        (Method::OPTIONS, Some("application/grpc")),
        (Method::PUT, Some("application/grpc")),
        (Method::DELETE, Some("application/grpc")),
        (Method::PATCH, Some("application/grpc")),
        (Method::HEAD, Some("application/grpc")),
        (Method::POST, Some("text/plain")),
        (Method::POST, Some("application/grpcx")),
        (Method::POST, Some("application/grpc-web")),
        (Method::POST, Some("application/json")),
        (Method::POST, Some("")),
        (Method::POST, None),
        (Method::GET, None),
    ];
    for (method, content_type) in cases {
        for headers in [&[GOOD][..], &[]] {
            let mut request = h2.request(UNARY, headers, one_note());
            *request.method_mut() = method.clone();
            request.headers_mut().remove("content-type");
            if let Some(value) = content_type {
                request.headers_mut().insert("content-type", HeaderValue::from_static(value));
            }
            let answer = h2.send(request).await.unwrap();
            let status = Status::from_header_map(&answer.headers).expect("a gRPC status");
            assert_eq!(status.code(), Code::Unimplemented, "{method} {content_type:?}");
            assert_eq!(answer.data, Bytes::new());
            assert_eq!(ran.times(), 0, "{method} {content_type:?} is admitted");
        }
    }
    for value in ["application/grpc", "application/grpc+proto", "Application/GRPC"] {
        let before = ran.times();
        let mut request = h2.request(UNARY, &[GOOD], one_note());
        request.headers_mut().insert("content-type", HeaderValue::from_static(value));
        h2.send(request).await.unwrap();
        assert_eq!(ran.times(), before + 1, "{value}");
    }
}
