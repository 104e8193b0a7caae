//! HTTP/1.1: browsers' calls through tonic-web, and callers that are rejected while they still
//! send.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::RwLock,
};
use tonic::{service::LayerExt, transport::Server};
use tonic_guard::guard;
use tonic_guard_suite_support::{Running, User, pb::Note, pb::extra_server::ExtraServer, within};
use tonic_web::GrpcWebLayer;

use crate::support::{
    raw::{H2, UNARY, framed},
    service::Ran,
};

service!(Plain: [scheme = "bearer"] => User);

/// A server of gRPC-Web over HTTP/1.1 and HTTP/2.
async fn web() -> (Running, Ran) {
    let service = Plain::default();
    let ran = service.ran.clone();
    let web = GrpcWebLayer::new().named_layer(guard(service, ExtraServer::from_arc));
    let server = Server::builder().accept_http1(true).add_service(web);
    (Running::start(server).await, ran)
}

/// A server of plain gRPC over HTTP/1.1.
async fn bare() -> (Running, Ran) {
    let service = Plain::default();
    let ran = service.ran.clone();
    let server =
        Server::builder().accept_http1(true).add_service(guard(service, ExtraServer::from_arc));
    (Running::start(server).await, ran)
}

fn note_of(size: usize) -> Bytes {
    framed(&Note { text: String::new(), payload: vec![7; size] })
}

fn web_request(body: Bytes, authorization: Option<&str>) -> Request<Full<Bytes>> {
    let mut request = Request::post(UNARY)
        .header("host", "localhost")
        .header("origin", "https://shop.example.com")
        .header("content-type", "application/grpc-web+proto");
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    request.body(Full::new(body)).unwrap()
}

/// Makes one call over HTTP/1.1 on a new connection and returns the answer's headers and body.
async fn over_http1(
    server: &Running,
    request: Request<Full<Bytes>>,
) -> hyper::Result<(http::response::Parts, Bytes)> {
    let stream = TcpStream::connect(server.addr()).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let answer = within("an answer over HTTP/1.1", sender.send_request(request)).await;
    let (parts, body) = answer?.into_parts();
    let body = body.collect().await?.to_bytes();
    driver.abort();
    Ok((parts, body))
}

#[tokio::test]
async fn every_rejection_is_readable_over_http1() {
    let _slots = DRAIN_SLOTS.read().await;
    let (server, ran) = web().await;
    // The last is 64 KiB including its framing, which is the most that a guard drains.
    let most = (64 << 10) - 9;
    assert_eq!(note_of(most).len(), 64 << 10);
    for size in [0, 100, most] {
        for at in 0..30 {
            let (parts, _) = over_http1(&server, web_request(note_of(size), None))
                .await
                .unwrap_or_else(|error| panic!("call {at} of {size} bytes: {error}"));
            assert_eq!(parts.status, StatusCode::OK);
            assert_eq!(parts.headers["content-type"], "application/grpc-web+proto");
            assert_eq!(parts.headers["grpc-status"], "16");
            assert_eq!(parts.headers["grpc-message"], "credentials%20are%20missing");
            assert_eq!(parts.headers["www-authenticate"], "Bearer");
        }
    }
    assert_eq!(ran.times(), 0);
}

/// The sender is slower than the rejection: an immediate answer would close the connection while it
/// sends.
#[tokio::test]
async fn caller_that_still_sends_can_read_its_rejection() {
    let _slots = DRAIN_SLOTS.read().await;
    for ((server, ran), kind) in [(web().await, WEB), (bare().await, GRPC)] {
        for at in 0..5 {
            let body = note_of(60 << 10);
            let mut stream = TcpStream::connect(server.addr()).await.unwrap();
            let length = format!("content-length: {}\r\n", body.len());
            stream.write_all(&head(kind, &length)).await.unwrap();
            for part in body.chunks(12 << 10) {
                tokio::time::sleep(Duration::from_millis(20)).await;
                stream.write_all(part).await.unwrap_or_else(|error| panic!("call {at}: {error}"));
            }
            let mut answer = vec![0; 1024];
            let read = stream.read(&mut answer).await;
            let read = read.unwrap_or_else(|error| panic!("call {at}: {error}"));
            let answer = String::from_utf8_lossy(&answer[..read]);
            assert!(answer.contains("grpc-status: 16\r\n"), "call {at}: {answer}");
        }
        assert_eq!(ran.times(), 0);
    }
}

#[tokio::test]
async fn good_call_is_answered_over_http1() {
    let _slots = DRAIN_SLOTS.read().await;
    let (server, ran) = web().await;
    let request = web_request(note_of(64 << 10), Some("Bearer ada-token"));
    let (parts, body) = over_http1(&server, request).await.unwrap();
    assert_eq!(parts.status, StatusCode::OK);
    assert!(String::from_utf8_lossy(&body).contains("grpc-status:0"));
    assert_eq!(ran.times(), 1);
}

#[tokio::test]
async fn rejection_is_readable_in_grpc_web_over_http2() {
    let _slots = DRAIN_SLOTS.read().await;
    let (server, ran) = web().await;
    let mut h2 = H2::connect(&server).await;
    for at in 0..30 {
        let body = Full::new(note_of(64 << 10)).boxed();
        let mut request = h2.request(UNARY, &[], body);
        request.headers_mut().insert("content-type", "application/grpc-web+proto".parse().unwrap());
        let answer = h2.send(request).await.unwrap_or_else(|error| panic!("call {at}: {error}"));
        assert_eq!(answer.headers["content-type"], "application/grpc-web+proto");
        assert_eq!(answer.headers["grpc-status"], "16");
    }
    assert_eq!(ran.times(), 0);
}

/// Sends these bytes of a request. Returns the response up to its status, and the time it took.
async fn answer_to(server: SocketAddr, sent: &[u8]) -> (String, Duration) {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(server).await.unwrap();
    stream.write_all(sent).await.unwrap();
    let mut read = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&read).contains("grpc-status") {
            match stream.read_buf(&mut read).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
    };
    within("an answer over HTTP/1.1", reading).await;
    (String::from_utf8_lossy(&read).into_owned(), begun.elapsed())
}

fn head(content_type: &str, more: &str) -> Vec<u8> {
    format!(
        "POST {UNARY} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {content_type}\r\n{more}\r\n"
    )
    .into_bytes()
}

const WEB: &str = "application/grpc-web+proto";
const GRPC: &str = "application/grpc";

/// The process drains a limited number of rejected bodies at a time. The test that uses all the
/// slots runs alone.
static DRAIN_SLOTS: RwLock<()> = RwLock::const_new(());

/// Less than the second for which a body may be drained: a faster answer waited for no body.
const IMMEDIATE: Duration = Duration::from_millis(900);

#[tokio::test]
async fn rejected_expectation_gets_no_100_continue() {
    let _slots = DRAIN_SLOTS.read().await;
    for ((server, ran), kind) in [(web().await, WEB), (bare().await, GRPC)] {
        for length in ["content-length: 100\r\n", "transfer-encoding: chunked\r\n"] {
            let expecting = format!("expect: 100-continue\r\n{length}");
            let (answer, took) = answer_to(server.addr(), &head(kind, &expecting)).await;
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
            assert!(answer.contains("grpc-status: 16\r\n"), "{answer}");
            assert!(!answer.contains("100 Continue"), "{answer}");
            assert!(took < IMMEDIATE, "{took:?}");
            assert_eq!(ran.times(), 0);
        }
        // An admitted caller gets `100 Continue`.
        let expecting =
            "expect: 100-continue\r\ncontent-length: 5\r\nauthorization: Bearer ada-token\r\n";
        let mut stream = TcpStream::connect(server.addr()).await.unwrap();
        stream.write_all(&head(kind, expecting)).await.unwrap();
        let mut line = [0; 25];
        stream.read_exact(&mut line).await.unwrap();
        assert_eq!(&line, b"HTTP/1.1 100 Continue\r\n\r\n");
    }
}

#[tokio::test]
async fn body_of_ten_mebibytes_is_not_drained() {
    let _slots = DRAIN_SLOTS.read().await;
    for ((server, ran), kind) in [(web().await, WEB), (bare().await, GRPC)] {
        let (answer, took) =
            answer_to(server.addr(), &head(kind, "content-length: 10485760\r\n")).await;
        assert!(answer.contains("grpc-status: 16\r\n"), "{kind}: {answer}");
        assert!(took < IMMEDIATE, "{kind}: {took:?}");
        assert_eq!(ran.times(), 0);
    }
}

#[tokio::test]
async fn unfinished_body_is_drained_for_one_second() {
    let _slots = DRAIN_SLOTS.read().await;
    for ((server, ran), kind) in [(web().await, WEB), (bare().await, GRPC)] {
        for more in ["transfer-encoding: chunked\r\n", "content-length: 100\r\n"] {
            let (answer, took) = answer_to(server.addr(), &head(kind, more)).await;
            assert!(answer.contains("grpc-status: 16\r\n"), "{kind} {more}: {answer}");
            assert!(took > IMMEDIATE, "{kind} {more}: {took:?}: a small body is drained");
            assert!(took < Duration::from_secs(3), "{kind} {more}: {took:?}");
        }
        assert_eq!(ran.times(), 0);
    }
}

#[tokio::test]
async fn endless_body_is_drained_up_to_64_kib() {
    let _slots = DRAIN_SLOTS.read().await;
    for ((server, ran), kind) in [(web().await, WEB), (bare().await, GRPC)] {
        let mut sent = head(kind, "transfer-encoding: chunked\r\n");
        for _ in 0..17 {
            sent.extend_from_slice(b"1000\r\n");
            sent.resize(sent.len() + 0x1000, b'x');
            sent.extend_from_slice(b"\r\n");
        }
        let (answer, took) = answer_to(server.addr(), &sent).await;
        assert!(answer.contains("grpc-status: 16\r\n"), "{kind}: {answer}");
        assert!(took < IMMEDIATE, "{kind}: {took:?}");
        assert_eq!(ran.times(), 0);
    }
}

#[tokio::test]
async fn at_most_64_bodies_are_drained_at_once() {
    let _slots = DRAIN_SLOTS.write().await;
    let (server, ran) = bare().await;
    let head = head(GRPC, "content-length: 100\r\n");
    let begun = Instant::now();
    let mut answers = tokio::task::JoinSet::new();
    let addr = server.addr();
    for _ in 0..80 {
        let head = head.clone();
        answers.spawn(async move {
            let answer = answer_to(addr, &head).await;
            assert!(answer.0.contains("grpc-status: 16\r\n"), "{}", answer.0);
            begun.elapsed()
        });
    }
    let took = answers.join_all().await;
    let immediate = took.iter().filter(|took| **took < IMMEDIATE).count();
    assert_eq!(immediate, 80 - 64, "{took:?}");
    assert_eq!(ran.times(), 0);
}
