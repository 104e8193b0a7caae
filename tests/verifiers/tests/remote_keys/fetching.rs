//! The calls that cause a fetch of the keys, and how often.

use tokio::task::{JoinHandle, JoinSet};
use tonic::{Request, Status, transport::Channel};
use tonic_guard_suite_support::LIMIT;
use tonic_guard_verifier_tests::pb::{Void, accounts_client::AccountsClient};

use super::*;

async fn whoami(mut client: AccountsClient<Channel>, token: String) -> Result<String, Status> {
    let mut request = Request::new(Void {});
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    Ok(client.whoami(request).await?.into_inner().name)
}

#[tokio::test]
async fn ten_thousand_calls_with_an_unknown_key_share_one_fetch() {
    const CONNECTIONS: usize = 100;
    const CALLS: usize = 100 * CONNECTIONS;

    let publisher = Publisher::start().await;
    // The fetch waits for all of them to arrive.
    let http = http().timeout(2 * LIMIT).build().unwrap();
    let keys = publisher.keys().http_client(http).connect().await.unwrap();
    let (tokens, waiting) = Counted::new(publisher.verifier(keys));
    let serving = Serving::bearers(tokens).await;
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(AccountsClient::new(serving.server().channel().await));
    }
    pass(COOLDOWN).await;
    // Half of them name a key that exists by now, the others a key that never will.
    publisher.issuer.rotate();
    let (rotated, forged) = (publisher.token(), publisher.forged("unknown"));
    publisher.provider.hold();
    let mut calls = JoinSet::new();
    for (at, client) in clients.iter().cycle().take(CALLS).enumerate() {
        let client = client.clone();
        let (token, name) = match at / CONNECTIONS % 2 {
            0 => (rotated.clone(), Some("ada")),
            _ => (forged.clone(), None),
        };
        calls.spawn(async move { (whoami(client, token).await, name) });
    }
    waiting.reach(CALLS).await;
    publisher.provider.release();
    while let Some(outcome) = within("the calls", calls.join_next()).await {
        match outcome.unwrap() {
            (Ok(caller), name) => assert_eq!(Some(&*caller), name),
            (Err(rejected), name) => {
                assert_eq!((rejected.code(), name), (tonic::Code::Unauthenticated, None));
            }
        }
    }
    assert_eq!(publisher.provider.request_count(), 2, "one at start and one for all of these");
}

#[tokio::test]
async fn unknown_keys_cause_a_burst_of_two_and_one_fetch_per_cooldown() {
    let publisher = Publisher::start().await;
    let serving = publisher.serving().await;
    let forged: Vec<_> = (0..20).map(|at| publisher.forged(&format!("unknown-{at}"))).collect();
    // Ten minutes of such calls.
    for at in 0..100 {
        for token in forged.iter().skip(at % 5 * 4).take(4) {
            assert_eq!(serving.bearer(token).await, rejected(INVALID));
        }
        assert_eq!(serving.bearer(&publisher.token()).await, ada());
        pass(Duration::from_secs(6)).await;
    }
    let asked = publisher.provider.request_count();
    // One at start, a burst of two, and one per cooldown of 30 s.
    assert!((15..=1 + 2 + 20).contains(&asked), "{asked} fetches in ten minutes");
}

#[tokio::test]
async fn fetch_longer_than_the_cooldown_is_shared() {
    let publisher = Publisher::start().await;
    let http = http().timeout(2 * LIMIT).build().unwrap();
    let keys = publisher.keys().http_client(http).connect().await.unwrap();
    let (tokens, waiting) = Counted::new(publisher.verifier(keys));
    let serving = Serving::bearers(tokens).await;
    pass(COOLDOWN).await;
    publisher.issuer.rotate();
    publisher.provider.hold();
    let first = tokio::spawn(whoami(serving.client(), publisher.token()));
    publisher.provider.wait_for_requests(2).await;
    pass(2 * COOLDOWN).await;
    let second = tokio::spawn(whoami(serving.client(), publisher.token()));
    waiting.reach(2).await;
    publisher.settle().await;
    publisher.provider.release();
    for call in [first, second] {
        assert_eq!(within("the call", call).await.unwrap().unwrap(), "ada");
    }
    assert_eq!(publisher.provider.request_count(), 2);
}

/// Aborts a call with an unknown key once its fetch has begun.
async fn abort_during_fetch(
    publisher: &Publisher,
    call: JoinHandle<Result<String, Status>>,
    fetch: usize,
) {
    publisher.provider.wait_for_requests(fetch).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
}

#[tokio::test]
async fn reset_call_does_not_waste_the_cooldown() {
    let publisher = Publisher::start().await;
    let keys = publisher.keys().connect().await.unwrap();
    let (tokens, waiting) = Counted::new(publisher.verifier(keys));
    let serving = Serving::bearers(tokens).await;
    // Across several rotations, each time when the next fetch is allowed.
    for rotation in 1..=3 {
        publisher.issuer.rotate();
        pass(COOLDOWN).await;
        publisher.provider.hold();
        let call = tokio::spawn(whoami(serving.client(), publisher.forged("unknown")));
        abort_during_fetch(&publisher, call, 1 + rotation).await;
        waiting.reach(0).await;
        publisher.provider.release();
        // The call uses the keys that the aborted call had fetched.
        assert_eq!(within("the call", serving.bearer(&publisher.token())).await, ada());
        assert_eq!(publisher.provider.request_count(), 1 + rotation);
    }
}

#[tokio::test]
async fn reset_connection_does_not_waste_the_cooldown() {
    let publisher = Publisher::start().await;
    let keys = publisher.keys().connect().await.unwrap();
    let (tokens, waiting) = Counted::new(publisher.verifier(keys));
    let serving = Serving::bearers(tokens).await;
    for rotation in 1..=3 {
        publisher.issuer.rotate();
        pass(COOLDOWN).await;
        publisher.provider.hold();
        // The only handle to its connection is dropped with the call.
        let client = AccountsClient::new(serving.server().channel().await);
        let call = tokio::spawn(whoami(client, publisher.forged("unknown")));
        abort_during_fetch(&publisher, call, 1 + rotation).await;
        waiting.reach(0).await;
        publisher.provider.release();
        assert_eq!(within("the call", serving.bearer(&publisher.token())).await, ada());
        assert_eq!(publisher.provider.request_count(), 1 + rotation);
    }
}

#[tokio::test]
async fn tokens_without_a_kid_cause_no_fetch() {
    let publisher = Publisher::start().await;
    let serving = publisher.serving().await;
    pass(COOLDOWN).await;
    let unknown = SigningKey::generate("unknown", Algorithm::EdDSA);
    assert_eq!(serving.bearer(&publisher.signed_by(&unknown, None)).await, rejected(INVALID));
    let ours = publisher.issuer.signing_key();
    assert_eq!(serving.bearer(&publisher.signed_by(&ours, None)).await, ada());
    assert_eq!(publisher.provider.request_count(), 1);
}

#[tokio::test]
async fn services_with_clones_of_one_handle_share_the_keys() {
    let publisher = Publisher::start().await;
    let keys = publisher.keys().connect().await.unwrap();
    let (one, two) = (publisher.serve(keys.clone()).await, publisher.serve(keys).await);
    pass(COOLDOWN).await;
    publisher.issuer.rotate();
    assert_eq!(one.bearer(&publisher.token()).await, ada());
    assert_eq!(two.bearer(&publisher.token()).await, ada());
    assert_eq!(publisher.provider.request_count(), 2);
}

#[test]
fn fetch_whose_runtime_is_dropped_is_replaced() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (first, second) = (runtime(), runtime());
    // The provider runs on another runtime.
    let third = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let third = third.unwrap();
    let publisher = third.block_on(Publisher::start());
    let keys = publisher.keys().lazy().unwrap();
    publisher.provider.hold();
    first.block_on(async {
        let serving = publisher.serve(keys.clone()).await;
        let call = tokio::spawn(whoami(serving.client(), publisher.token()));
        publisher.provider.wait_for_requests(1).await;
        call.abort();
    });
    drop(first);
    second.block_on(async {
        let serving = publisher.serve(keys).await;
        let outcome = within("the call", serving.bearer(&publisher.token())).await;
        assert_eq!(outcome, rejected(UNAVAILABLE), "the fetch was given up");
        publisher.provider.release();
        pass(COOLDOWN).await;
        eventually(&serving, &publisher.token(), &ada()).await;
        // The background refresh works again.
        let asked = publisher.provider.request_count();
        pass(REFRESH).await;
        publisher.provider.wait_for_requests(asked + 1).await;
    });
}
