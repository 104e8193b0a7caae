//! The requests that are replayed, and those that never are.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use tokio::sync::mpsc;
use tokio_stream::{StreamExt, wrappers::UnboundedReceiverStream};
use tonic::{Code, body::Body};
use tonic_guard::client::CallCredentials;
use tonic_guard_client_tests::{Client, Guarded, Source, rejection, success};
use tonic_guard_suite_support::{
    KINDS,
    pb::{Note, kinds_client::KindsClient},
    until, within,
};
use tower_layer::Layer;
use tower_service::Service;

use crate::{kind, note};

/// A server, and a client whose token has been revoked.
async fn revoked(settings: fn(CallCredentials) -> CallCredentials) -> (Guarded, Client, Source) {
    let server = Guarded::start().await;
    let source = server.source();
    let mut client = server.client(&settings(CallCredentials::bearer(source.clone())));
    client.unary(note("before")).await.unwrap();
    server.issuer.revoke_all();
    (server, client, source)
}

fn large(bytes: usize) -> Note {
    Note { text: "large".into(), payload: vec![7; bytes] }
}

#[tokio::test]
async fn message_within_the_limit_is_replayed() {
    let (server, mut client, _) = revoked(|credentials| credentials).await;
    let answer = within("the call", client.unary(large(200 * 1024))).await.unwrap().into_inner();
    assert!(answer == large(200 * 1024));
    assert_eq!(server.attempts.count(), 3);
}

#[tokio::test]
async fn message_over_the_limit_is_not_replayed() {
    let (server, mut client, source) = revoked(|credentials| credentials).await;
    let status = within("the call", client.unary(large(300 * 1024))).await.unwrap_err();
    assert_eq!((status.code(), kind(&status)), (Code::Unauthenticated, None));
    assert_eq!(server.attempts.count(), 2);
    // The rejection still renewed the token, and a large message arrives complete.
    let answer = within("the call", client.unary(large(300 * 1024))).await.unwrap().into_inner();
    assert!(answer == large(300 * 1024));
    assert_eq!((server.attempts.count(), source.fetches()), (3, 2));
}

#[tokio::test]
async fn replay_limit_is_exact() {
    // The frame consists of five bytes of gRPC framing and the message.
    let message = large(1000);
    let size = prost_len(&message) + 5;
    for (limit, attempts) in [(size, 3), (size - 1, 2)] {
        let server = Guarded::start().await;
        let credentials = CallCredentials::bearer(server.source()).replay_limit(limit);
        let mut client = server.client(&credentials);
        client.unary(note("before")).await.unwrap();
        server.issuer.revoke_all();
        let _ = within("the call", client.unary(message.clone())).await;
        assert_eq!(server.attempts.count(), attempts, "{limit}");
    }
}

/// The encoded size: each field's tag, length and content.
fn prost_len(note: &Note) -> usize {
    (1 + 1 + note.text.len()) + (1 + 2 + note.payload.len())
}

#[tokio::test]
async fn every_kind_of_call_is_replayed() {
    let notes = || tokio_stream::iter([note("a"), note("b")]);

    let (server, mut client, _) = revoked(|credentials| credentials).await;
    let down = within("down", client.down(note("a"))).await.unwrap().into_inner();
    assert_eq!(down.map(|note| note.unwrap().text).collect::<Vec<_>>().await, ["a", "a", "a"]);
    assert_eq!(server.attempts.count(), 3);

    let (server, mut client, _) = revoked(|credentials| credentials).await;
    assert_eq!(within("up", client.up(notes())).await.unwrap().into_inner().text, "a,b 0");
    assert_eq!(server.attempts.count(), 3);

    let (server, mut client, _) = revoked(|credentials| credentials).await;
    let both = within("both", client.both(notes())).await.unwrap().into_inner();
    assert_eq!(both.map(|note| note.unwrap().text).collect::<Vec<_>>().await, ["a", "b"]);
    assert_eq!(server.attempts.count(), 3);
}

/// Rejects the first attempt, answers the second, and keeps the headers of both.
#[derive(Clone, Default)]
struct Heads(Arc<Mutex<Vec<http::request::Parts>>>);

impl Service<http::Request<Body>> for Heads {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let mut heads = self.0.lock().unwrap();
        heads.push(request.into_parts().0);
        std::future::ready(Ok(if heads.len() == 1 { rejection() } else { success() }))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark(u8);

#[tokio::test]
async fn second_attempt_has_the_headers_of_the_first() {
    for mark in [None, Some(Mark(7))] {
        let heads = Heads::default();
        let credentials = CallCredentials::bearer(Source::new(&Arc::default()));
        let layered = credentials.dangerously_layer().layer(heads.clone());
        let metadata = [("x-tenant", "a"), ("x-tenant", "b"), ("x-trace", "c")];
        let mut request = tonic_guard_suite_support::request(note("hi"), &metadata);
        if let Some(mark) = mark {
            request.extensions_mut().insert(mark);
        }
        KindsClient::new(layered).unary(request).await.unwrap();

        let mut heads = heads.0.lock().unwrap();
        let [first, second] = &mut heads[..] else { panic!("there were {}", heads.len()) };
        for head in [&*first, &*second] {
            assert_eq!(head.extensions.get::<Mark>().copied(), mark);
            let method = head.extensions.get::<tonic::GrpcMethod<'_>>().unwrap();
            assert_eq!((method.service(), method.method()), (KINDS, "Unary"));
        }
        let tokens = [&mut *first, &mut *second].map(|head| head.headers.remove("authorization"));
        assert_ne!(tokens[0], tokens[1]);
        assert_eq!(second.headers.remove("grpc-previous-rpc-attempts").unwrap(), "1");
        assert_eq!(first.headers, second.headers);
        assert_eq!(first.headers.get_all("x-tenant").iter().count(), 2);
        let line =
            |head: &http::request::Parts| (head.method.clone(), head.uri.clone(), head.version);
        assert_eq!(line(first), line(second));
    }
}

/// A stream of notes that the test sends, and the number of notes taken from it.
fn by_hand()
-> (mpsc::UnboundedSender<Note>, impl tokio_stream::Stream<Item = Note>, Arc<AtomicUsize>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let notes = UnboundedReceiverStream::new(receiver).map(move |note| {
        counter.fetch_add(1, Ordering::SeqCst);
        note
    });
    (sender, notes, taken)
}

#[tokio::test]
async fn stream_rejected_midway_continues_after_the_replay() {
    let (server, mut client, source) = revoked(|credentials| credentials).await;
    let gate = server.issuer.hold_verification("token-1");
    source.hold();
    let (sender, notes, taken) = by_hand();
    let call = tokio::spawn(async move { client.up(notes).await });
    sender.send(note("a")).unwrap();
    sender.send(note("b")).unwrap();
    until("two notes are taken", || taken.load(Ordering::SeqCst) == 2).await;
    gate.add_permits(1);
    until("the rejection causes a fetch", || source.fetches() == 2).await;
    // This note is sent while the call is between its attempts.
    sender.send(note("c")).unwrap();
    source.release();
    until("there is a second attempt", || server.attempts.count() == 3).await;
    sender.send(note("d")).unwrap();
    drop(sender);
    let answer = within("the call", call).await.unwrap().unwrap().into_inner();
    assert_eq!(answer.text, "a,b,c,d 0");
}

#[tokio::test]
async fn stream_over_the_limit_is_not_replayed() {
    let (server, mut client, source) = revoked(|credentials| credentials.replay_limit(1000)).await;
    let gate = server.issuer.hold_verification("token-1");
    let (sender, notes, taken) = by_hand();
    let call = tokio::spawn(async move { client.up(notes).await });
    for sent in 1..=3 {
        sender.send(large(400)).unwrap();
        until("the note is taken", || taken.load(Ordering::SeqCst) == sent).await;
    }
    gate.add_permits(1);
    let status = within("the call", call).await.unwrap().unwrap_err();
    assert_eq!((status.code(), kind(&status)), (Code::Unauthenticated, None));
    assert_eq!(server.attempts.count(), 2);
    until("the token is renewed", || source.fetches() == 2).await;
}

#[tokio::test]
async fn long_stream_arrives_complete() {
    let server = Guarded::start().await;
    let credentials = CallCredentials::bearer(server.source()).replay_limit(1000);
    let mut client = server.client(&credentials);
    let notes = tokio_stream::iter((0..200).map(|_| large(10_000)));
    let answer = within("the call", client.up(notes)).await.unwrap().into_inner();
    assert!(answer.text.ends_with(" 2000000"), "{}", answer.text);
}
