//! A page of another origin: its browser's preflight, and the response headers that the page can
//! read.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, Method, Request, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, AUTHORIZATION, CONTENT_TYPE, ORIGIN, WWW_AUTHENTICATE,
    },
};
use http_body_util::{BodyExt, Empty, Full, combinators::BoxBody};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tonic::{Status, service::LayerExt, transport::Server};
use tonic_guard::guard;
use tonic_guard_suite_support::{Running, User, pb::Note, pb::extra_server::ExtraServer, reason};
use tonic_web::GrpcWebLayer;
use tower_http::cors::CorsLayer;

use crate::support::{
    raw::{UNARY, framed},
    service::Ran,
};

service!(Plain: [scheme = "bearer"] => User);

const PAGE: &str = "https://shop.example.com";

/// The response headers that the page may read. A browser hides every other header from it.
const READABLE: [&str; 4] =
    ["grpc-status", "grpc-message", "grpc-status-details-bin", "www-authenticate"];

fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin([PAGE.parse().unwrap()])
        .allow_methods([Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, HeaderName::from_static("x-grpc-web")])
        .expose_headers(READABLE.map(HeaderName::from_static))
}

/// CORS and the translation of gRPC-Web outside the guard.
async fn outside() -> (Running, Ran) {
    let service = Plain::default();
    let ran = service.ran.clone();
    let web = GrpcWebLayer::new().named_layer(guard(service, ExtraServer::from_arc));
    let server = Server::builder().accept_http1(true).add_service(cors().named_layer(web));
    (Running::start(server).await, ran)
}

/// CORS inside the guard, where only admitted calls reach it.
async fn inside() -> (Running, Ran) {
    let service = Plain::default();
    let ran = service.ran.clone();
    let guard = guard(service, |service| cors().named_layer(ExtraServer::from_arc(service)));
    let web = GrpcWebLayer::new().named_layer(guard);
    let server = Server::builder().accept_http1(true).add_service(web);
    (Running::start(server).await, ran)
}

type Body = BoxBody<Bytes, std::convert::Infallible>;

async fn send(server: &Running, request: Request<Body>) -> (StatusCode, HeaderMap, Bytes) {
    let stream = TcpStream::connect(server.addr()).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
    (parts.status, parts.headers, body.collect().await.unwrap().to_bytes())
}

/// Sends the preflight request of a browser, which never carries credentials.
async fn preflight(server: &Running, origin: &str) -> (StatusCode, HeaderMap) {
    let request = Request::options(UNARY)
        .header("host", "localhost")
        .header(ORIGIN, origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,x-grpc-web")
        .body(BodyExt::boxed(Empty::new()))
        .unwrap();
    let (status, headers, _) = send(server, request).await;
    (status, headers)
}

async fn call(server: &Running, authorization: Option<&str>) -> (StatusCode, HeaderMap, Bytes) {
    let mut request = Request::post(UNARY)
        .header("host", "localhost")
        .header(ORIGIN, PAGE)
        .header("x-grpc-web", "1")
        .header(CONTENT_TYPE, "application/grpc-web+proto");
    if let Some(value) = authorization {
        request = request.header(AUTHORIZATION, value);
    }
    send(server, request.body(Full::new(framed(&Note::default())).boxed()).unwrap()).await
}

/// The response headers that a browser shows to the page.
fn shown(headers: &HeaderMap) -> Option<HeaderMap> {
    if headers.get(ACCESS_CONTROL_ALLOW_ORIGIN)? != PAGE {
        return None;
    }
    let exposed = headers.get(ACCESS_CONTROL_EXPOSE_HEADERS)?.to_str().ok()?;
    let exposed: Vec<_> = exposed.split(',').map(str::trim).collect();
    let shown = headers.iter().filter(|(name, _)| exposed.contains(&name.as_str()));
    Some(shown.map(|(name, value)| (name.clone(), value.clone())).collect())
}

#[tokio::test]
async fn preflight_without_credentials_is_answered() {
    let (server, ran) = outside().await;
    let (status, headers) = preflight(&server, PAGE).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], PAGE);
    assert_eq!(headers[ACCESS_CONTROL_ALLOW_METHODS], "POST");
    assert_eq!(headers[ACCESS_CONTROL_ALLOW_HEADERS], "authorization,content-type,x-grpc-web");
    let (_, headers) = preflight(&server, "https://evil.example.com").await;
    assert!(!headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    assert_eq!(ran.times(), 0);
}

#[tokio::test]
async fn page_can_read_the_reason_of_a_rejection() {
    let (server, ran) = outside().await;
    for (authorization, why, challenge) in [
        (None, "CREDENTIALS_MISSING", "Bearer"),
        (Some("Bearer x"), "CREDENTIALS_INVALID", r#"Bearer error="invalid_token""#),
        (Some("Bearer old-token"), "ACCESS_TOKEN_EXPIRED", r#"Bearer error="invalid_token""#),
    ] {
        let (status, headers, body) = call(&server, authorization).await;
        assert_eq!((status, body.len()), (StatusCode::OK, 0));
        let shown = shown(&headers).expect("headers for the page");
        for name in READABLE {
            assert!(shown.contains_key(name), "{name} is hidden: {headers:?}");
        }
        let rejected = Status::from_header_map(&shown).unwrap();
        assert_eq!(rejected.code(), tonic::Code::Unauthenticated);
        assert_eq!(reason(&rejected), why);
        assert_eq!(shown[WWW_AUTHENTICATE], challenge);
    }
    assert_eq!(ran.times(), 0);
    let (status, headers, body) = call(&server, Some("Bearer ada-token")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(shown(&headers).is_some());
    assert!(String::from_utf8_lossy(&body).contains("grpc-status:0"));
    assert_eq!(ran.times(), 1);
}

/// CORS belongs outside: a guard answers OPTIONS itself, and its rejections have no CORS headers.
#[tokio::test]
async fn cors_inside_the_guard_admits_no_page() {
    let (server, ran) = inside().await;
    let (_, headers) = preflight(&server, PAGE).await;
    assert!(!headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN), "{headers:?}");
    let (_, headers, _) = call(&server, None).await;
    assert!(shown(&headers).is_none(), "{headers:?}");
    assert_eq!(headers["grpc-status"], "16");
    assert_eq!(ran.times(), 0);
}
