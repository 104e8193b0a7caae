//! Servers of other implementations, which reject with a plain UNAUTHENTICATED.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use serde_json::json;
use tokio::process::Command;
use tokio_stream::StreamExt;
use tonic::{Code, transport::Endpoint};
use tonic_guard::client::{
    CallCredentials, CallError, CallErrorKind, Token, TokenSource, token_fn,
};
use tonic_guard_client_tests::{Client, client};
use tonic_guard_interop_providers::{node, python, ready};
use tonic_guard_suite_support::{pb::Note, within};

use crate::{note, task};

/// Longer than the interval between rejections that cause a fetch.
const LIFE: Duration = Duration::from_millis(1500);

/// A token that is valid for `life` from now on.
fn token(life: Duration) -> Token {
    let end = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + life;
    Token::new(format!("t-{}", end.as_millis()))
}

fn counted() -> (impl TokenSource, Arc<AtomicUsize>) {
    let fetches = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&fetches);
    let source = token_fn(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        // Its lifetime is unknown, so it is used until it is rejected.
        std::future::ready(Ok(token(LIFE)))
    });
    (source, fetches)
}

fn client_of(address: &str, source: impl TokenSource) -> Client {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    client(endpoint, &CallCredentials::bearer(source))
}

fn notes() -> impl tokio_stream::Stream<Item = Note> {
    tokio_stream::iter([note("a"), note("b")])
}

async fn assert_rejection_and_retry(server: Command) {
    let (_child, said) = ready(server, &task(json!({}))).await;
    let address = said["address"].as_str().unwrap();
    let (source, fetches) = counted();
    let mut client = client_of(address, source);

    // The first call of each kind has a good token, the second an expired one.
    for (attempts, expected_fetches) in [("after 0", 1), ("after 1", 2)] {
        if attempts == "after 1" {
            tokio::time::sleep(LIFE).await;
        }
        let answer = within("unary", client.unary(note("a"))).await.unwrap().into_inner();
        assert_eq!(answer.text, format!("a {attempts}"));
        assert_eq!(fetches.load(Ordering::SeqCst), expected_fetches);
    }
    tokio::time::sleep(LIFE).await;
    let down = within("down", client.down(note("a"))).await.unwrap().into_inner();
    let down: Vec<_> = down.map(|note| note.unwrap().text).collect().await;
    assert_eq!(down, ["a after 1"]);
    tokio::time::sleep(LIFE).await;
    let up = within("up", client.up(notes())).await.unwrap().into_inner();
    assert_eq!(up.text, "a,b after 1");
    tokio::time::sleep(LIFE).await;
    let both = within("both", client.both(notes())).await.unwrap().into_inner();
    let both: Vec<_> = both.map(|note| note.unwrap().text).collect().await;
    assert_eq!(both, ["a after 1", "b after 1"]);
    assert_eq!(fetches.load(Ordering::SeqCst), 5);

    let mut client = client_of(address, Token::new("wrong"));
    let status = within("the call", client.unary(note("a"))).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unauthenticated, "the token has expired"));
    assert_eq!(CallError::of(&status).map(CallError::kind), Some(CallErrorKind::NoNewerToken));
}

#[tokio::test]
async fn grpc_js_rejects_an_expired_token_and_accepts_a_new_one() {
    assert_rejection_and_retry(node("rejecting_server.mjs").await).await;
}

#[tokio::test]
async fn grpcio_rejects_an_expired_token_and_accepts_a_new_one() {
    assert_rejection_and_retry(python("rejecting_server.py").await).await;
}
