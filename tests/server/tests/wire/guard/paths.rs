//! Requests for what no policy knows, and requests that aren't gRPC's.

use bytes::Bytes;
use http::{HeaderValue, Method, Request};
use tonic::{Code, Status, body::Body};
use tonic_guard::guard;
use tonic_guard_tests::{User, pb::extra_server::ExtraServer, reason};
use tower_service::Service;

use crate::support::{
    frames::{self, HEADERS, RST_STREAM},
    raw::{H2, UNARY, framed, one_note},
    service::{at_the_front_door, note},
};

service!(Plain: [scheme = "bearer"] => User);

const GOOD: (&str, &[u8]) = ("authorization", b"Bearer ada-token");

/// Paths of no method, as a client may send them.
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
async fn a_path_of_no_method_is_unimplemented_even_for_a_good_caller() {
    let service = Plain::default();
    let ran = service.ran.clone();
    let server = at_the_front_door(service).await;
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

/// The guard answers so itself: not every router knows what it doesn't.
#[tokio::test]
async fn without_a_router_the_guard_itself_knows_no_other_path() {
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
async fn a_name_that_maps_to_a_policy_is_checked_and_then_left_to_the_server() {
    let service = Plain::default();
    let ran = service.ran.clone();
    let server = at_the_front_door(service).await;
    let mut h2 = H2::connect(&server).await;
    for name in ["unary", "UNARY", "_Unary", "Get_URL"] {
        let path = format!("/guard.test.v1.Extra/{name}");
        let answer = h2.send(h2.request(&path, &[], one_note())).await.unwrap();
        assert_eq!(reason(&answer.status()), "CREDENTIALS_MISSING", "{name}");
        let answer = h2.send(h2.request(&path, &[GOOD], one_note())).await.unwrap();
        assert_eq!(answer.status().code(), Code::Unimplemented, "{name}");
    }
    assert_eq!(ran.times(), 0);
    // The generator makes `get_url` of it, and so do we.
    let path = "/guard.test.v1.Extra/GetURL";
    let refused = h2.send(h2.request(path, &[], one_note())).await.unwrap().status();
    assert_eq!(reason(&refused), "CREDENTIALS_MISSING");
    assert_eq!(tonic_guard_tests::error_info(&refused).unwrap().2["method"], "GetURL");
    let answer = h2.send(h2.request(path, &[GOOD], one_note())).await.unwrap();
    assert_eq!((answer.status().code(), ran.times()), (Code::Ok, 1));
}

#[tokio::test]
async fn a_query_doesnt_change_whose_policy_holds() {
    let service = Plain::default();
    let ran = service.ran.clone();
    let server = at_the_front_door(service).await;
    let mut h2 = H2::connect(&server).await;
    let path = format!("{UNARY}?x");
    let answer = h2.send(h2.request(&path, &[], one_note())).await.unwrap();
    assert_eq!((reason(&answer.status()).as_str(), ran.times()), ("CREDENTIALS_MISSING", 0));
    let answer = h2.send(h2.request(&path, &[GOOD], one_note())).await.unwrap();
    assert_eq!((answer.status().code(), ran.times()), (Code::Ok, 1));
}

#[tokio::test]
async fn a_path_that_is_none_reaches_no_handler() {
    let service = Plain::default();
    let ran = service.ran.clone();
    let server = at_the_front_door(service).await;
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
async fn what_isnt_grpcs_reaches_no_handler_whoever_asks() {
    let service = Plain::default();
    let ran = service.ran.clone();
    let server = at_the_front_door(service).await;
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
            assert_eq!(ran.times(), 0, "{method} {content_type:?} gets in");
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
