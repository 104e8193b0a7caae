//! Memory held by rejected calls. In a binary by itself, because the allocator counts for the whole
//! process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this is tests")]

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use peak_alloc::PeakAlloc;
use tokio::{net::TcpStream, task::JoinSet};
use tonic::{Response, Status, transport::Server};
use tonic_guard::{Authenticate, authenticated, guard};
use tonic_guard_suite_support::{
    Running, Tokens,
    pb::{
        Note,
        extra_server::{Extra, ExtraServer},
    },
    reason,
};

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

const MIB: usize = 1 << 20;

/// The largest message that tonic accepts by default, including the five bytes of its frame.
const MESSAGE: usize = 4 * MIB;

/// Fewer than the streams that the server allows on one connection, so that all calls run at once.
const CALLS_PER_CONNECTION: usize = 64;

#[derive(Authenticate, Default)]
struct Service {
    #[verifies("bearer")]
    tokens: Tokens,
}

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Extra for Service {
    async fn unary(&self, _: tonic::Request<Note>) -> Result<Response<Note>, Status> {
        unreachable!("no call here has credentials")
    }

    async fn get_url(&self, _: tonic::Request<Note>) -> Result<Response<Note>, Status> {
        unreachable!("no call here has credentials")
    }
}

/// One gRPC message with one field, `payload`. All calls share these bytes.
fn message() -> Bytes {
    let framed = MESSAGE - 5;
    // The field's key, and its length in the four bytes of a varint.
    let payload = framed - 5;
    let mut bytes = Vec::with_capacity(MESSAGE);
    bytes.push(0);
    bytes.extend_from_slice(&u32::try_from(framed).unwrap().to_be_bytes());
    bytes.push(2 << 3 | 2);
    bytes.extend((0..4).map(|at| (payload >> (7 * at)) as u8 & 127 | if at < 3 { 128 } else { 0 }));
    bytes.resize(MESSAGE, 7);
    bytes.into()
}

async fn connect(server: &Running) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(server.addr()).await.unwrap();
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// Makes `calls` calls at once, all of which are rejected, and returns the peak allocation above
/// the level before them.
async fn held_by(calls: usize, server: &Running) -> usize {
    let message = message();
    let mut connections = Vec::new();
    for _ in 0..calls.div_ceil(CALLS_PER_CONNECTION) {
        connections.push(connect(server).await);
    }
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let mut answers = JoinSet::new();
    let each = connections.iter().flat_map(|one| std::iter::repeat_n(one, CALLS_PER_CONNECTION));
    for mut connection in each.take(calls).cloned() {
        let request = Request::post(format!("http://{}/guard.test.v1.Extra/Unary", server.addr()))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(Full::new(message.clone()))
            .unwrap();
        answers.spawn(async move {
            let answer = connection.send_request(request).await.unwrap();
            Status::from_header_map(answer.headers()).expect("a rejection is headers only")
        });
    }
    let answers = tokio::time::timeout(Duration::from_secs(60), answers.join_all()).await;
    let answers = answers.expect("an answer to each call");
    let held = ALLOCATED.peak_usage() - before;
    assert_eq!(answers.len(), calls);
    for rejected in answers {
        assert_eq!(reason(&rejected), "CREDENTIALS_MISSING");
    }
    held
}

/// One test, because the allocations of another would be counted too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_of_4_mib_that_the_guard_rejects_hold_almost_no_memory() {
    let guard = guard(Service::default(), ExtraServer::from_arc);
    let server = Running::start(Server::builder().add_service(guard)).await;
    let held = held_by(256, &server).await;
    println!("256 calls of 4 MiB, rejected by the guard: {} KiB", held / 1024);

    // The handler check runs after tonic has read and decoded each message. These calls show that
    // the measurement works.
    let server = ExtraServer::new(Service::default());
    let server = Running::start(Server::builder().add_service(server)).await;
    let held_by_handler_check = held_by(32, &server).await;
    println!(
        "32 calls of 4 MiB, rejected by the handler check: {} MiB",
        held_by_handler_check / MIB
    );

    assert!(held < 16 * MIB, "{held} bytes: the messages of rejected calls are read");
    assert!(held_by_handler_check > 64 * MIB, "{held_by_handler_check} bytes: nothing is measured");
}
