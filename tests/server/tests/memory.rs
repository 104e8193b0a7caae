//! What refused calls hold in memory. A binary of its own: the allocator counts for the whole process.

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
use tonic_guard_tests::{
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

/// The largest message that tonic takes by default, with its frame's five bytes.
const MESSAGE: usize = 4 * MIB;

/// Fewer than the streams that the server allows on one connection, so that all calls are under way.
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

/// One gRPC message of one field, `payload`. Every call sends these bytes themselves, no copy.
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

/// Makes so many calls at once, all of which are refused. What is allocated at the most beyond what
/// was before.
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
            Status::from_header_map(answer.headers()).expect("a refusal is all head")
        });
    }
    let answers = tokio::time::timeout(Duration::from_secs(60), answers.join_all()).await;
    let answers = answers.expect("an answer to each call");
    let held = ALLOCATED.peak_usage() - before;
    assert_eq!(answers.len(), calls);
    for refused in answers {
        assert_eq!(reason(&refused), "CREDENTIALS_MISSING");
    }
    held
}

/// One test, because what another allocates beside it would be counted too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_calls_of_4_mib_hold_next_to_nothing_at_the_front_door() {
    let guard = guard(Service::default(), ExtraServer::from_arc);
    let server = Running::start(Server::builder().add_service(guard)).await;
    let held = held_by(256, &server).await;
    println!("256 calls of 4 MiB, refused at the front door: {} KiB", held / 1024);

    // The method's own door comes after tonic has read and decoded each message. So many calls are
    // enough to see that the measure sees it.
    let server = ExtraServer::new(Service::default());
    let server = Running::start(Server::builder().add_service(server)).await;
    let at_the_methods_door = held_by(32, &server).await;
    println!(
        "32 calls of 4 MiB, refused at the method's own door: {} MiB",
        at_the_methods_door / MIB
    );

    assert!(held < 16 * MIB, "{held} bytes: the messages of refused calls are read");
    assert!(at_the_methods_door > 64 * MIB, "{at_the_methods_door} bytes: nothing is measured");
}
