//! How often the endpoint is called, and the calls that share a request.

use std::{
    pin::pin,
    sync::mpsc,
    task::{Context, Poll, Wake, Waker},
    thread,
};

use http::{Extensions, HeaderMap};
use tokio::{
    runtime::{Handle, Runtime},
    task::JoinSet,
};
use tonic::transport::Server;
use tonic_guard::{
    Authenticate, CallHead, guard,
    scheme::{Bearer, BearerToken, Scheme},
};
use tonic_guard_verifier_tests::{Bearers, pb::accounts_server::AccountsServer};

use super::*;

#[tokio::test]
async fn calls_with_one_token_share_one_request() {
    let provider = provider().await;
    let serving = Arc::new(serving(&provider).await);
    provider.hold();
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        let serving = Arc::clone(&serving);
        calls.spawn(async move { serving.bearer("opaque").await });
    }
    provider.wait_for_requests(1).await;
    provider.release();
    while let Some(outcome) = within("the calls", calls.join_next()).await {
        assert_eq!(outcome.unwrap(), Ok("ada".into()));
    }
    assert_eq!(provider.request_count(), 1);
}

/// The server accepts larger heads than usual, so that the token reaches the guard.
#[tokio::test]
async fn oversized_token_is_rejected_without_a_request() {
    let provider = provider().await;
    let tokens = builder::<Claims>(&provider).build().unwrap();
    let service = guard(Bearers { tokens }, AccountsServer::from_arc);
    let server = Server::builder().http2_max_header_list_size(Some(1 << 20));
    let serving = Serving::start({ server }.add_service(service)).await;
    for length in [16 * 1024 + 1, 380_000] {
        let outcome = serving.bearer(&"a".repeat(length)).await;
        assert_eq!(outcome, Err("Unauthenticated CREDENTIALS_MALFORMED".into()));
    }
    assert_eq!(provider.request_count(), 0);
    assert_eq!(serving.bearer(&"a".repeat(16 * 1024)).await, Ok("ada".into()));
    assert_eq!(provider.request_count(), 1);
}

#[tokio::test]
async fn disconnected_caller_does_not_affect_others() {
    let provider = provider().await;
    let (verifier, waiting) =
        Counted::new(builder::<Claims>(&provider).cache_ttl(Duration::ZERO).build().unwrap());
    let serving = Arc::new(Serving::bearers(verifier).await);
    provider.hold();
    let call = |serving: &Arc<Serving>| {
        let serving = Arc::clone(serving);
        tokio::spawn(async move { serving.bearer("opaque").await })
    };
    let first = call(&serving);
    provider.wait_for_requests(1).await;
    let second = call(&serving);
    waiting.reach(2).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    // The server has noticed the disconnected caller.
    waiting.reach(1).await;
    provider.release();
    assert_eq!(within("the second call", second).await.unwrap(), Ok("ada".into()));
    assert_eq!(provider.request_count(), 1);
}

#[tokio::test]
async fn response_for_a_disconnected_caller_is_cached() {
    let provider = provider().await;
    let (verifier, waiting) = Counted::new(builder::<Claims>(&provider).build().unwrap());
    let serving = Arc::new(Serving::bearers(verifier).await);
    provider.hold();
    let call = {
        let serving = Arc::clone(&serving);
        tokio::spawn(async move { serving.bearer("opaque").await })
    };
    provider.wait_for_requests(1).await;
    call.abort();
    waiting.reach(0).await;
    provider.release();
    assert_eq!(within("the call", serving.bearer("opaque")).await, Ok("ada".into()));
    assert_eq!(provider.request_count(), 1);
}

#[tokio::test]
async fn concurrent_requests_are_limited() {
    let provider = provider().await;
    let verifier = builder::<Claims>(&provider).max_concurrent(2).build().unwrap();
    let serving = Arc::new(Serving::bearers(verifier).await);
    provider.hold();
    let mut calls = JoinSet::new();
    for (token, asked) in [("one", 1), ("two", 2)] {
        let serving = Arc::clone(&serving);
        calls.spawn(async move { serving.bearer(token).await });
        provider.wait_for_requests(asked).await;
    }
    let rejected = within("a third token", serving.bearer("three")).await;
    assert_eq!(rejected, Err(UNAVAILABLE.into()));
    // A token with a request in progress needs no further slot.
    let another = Arc::clone(&serving);
    calls.spawn(async move { another.bearer("one").await });
    provider.release();
    while let Some(outcome) = within("the calls", calls.join_next()).await {
        assert_eq!(outcome.unwrap(), Ok("ada".into()));
    }
    assert_eq!(serving.bearer("three").await, Ok("ada".into()));
    assert_eq!(provider.request_count(), 3);
}

#[tokio::test]
async fn failed_request_frees_its_slot() {
    let provider = Provider::start().await;
    provider.reply(ENDPOINT, Reply::Reset);
    let verifier = builder::<Claims>(&provider).max_concurrent(1).build().unwrap();
    let serving = Serving::bearers(verifier).await;
    for _ in 0..3 {
        assert_eq!(serving.bearer("opaque").await, Err(UNAVAILABLE.into()));
    }
    provider.reply_by(ENDPOINT, |_| Reply::Json(ada(json!({}))));
    assert_eq!(serving.bearer("opaque").await, Ok("ada".into()));
}

#[tokio::test]
async fn hanging_endpoint_is_unavailable_after_the_timeout() {
    let provider = provider().await;
    let http = HttpClient::builder().allow_http_on_loopback();
    let http = http.timeout(Duration::from_millis(200)).build().unwrap();
    let verifier = builder::<Claims>(&provider).http_client(http).build().unwrap();
    let serving = Serving::bearers(verifier).await;
    provider.hold();
    let rejected = within("the call", serving.bearer("opaque")).await;
    assert_eq!(rejected, Err(UNAVAILABLE.into()));
    provider.release();
    assert_eq!(within("the call", serving.bearer("opaque")).await, Ok("ada".into()));
}

/// A request about `opaque` on a runtime that is never polled again, and another runtime to
/// continue on.
struct Lost {
    idle: Runtime,
    active: Runtime,
    provider: Provider,
    verifier: IntrospectionVerifier<Claims>,
    /// The runtime of the provider.
    _provider_runtime: Runtime,
}

impl Lost {
    /// Starts the lost request. The provider holds its responses.
    fn begin(timeout: Duration) -> Self {
        let runtime =
            || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (idle, active) = (runtime(), runtime());
        let mut provider_runtime = tokio::runtime::Builder::new_multi_thread();
        let provider_runtime = provider_runtime.worker_threads(1).enable_all().build().unwrap();
        let provider = provider_runtime.block_on(provider());
        let http = HttpClient::builder().allow_http_on_loopback();
        let http = http.timeout(timeout).build().unwrap();
        let verifier =
            builder::<Claims>(&provider).http_client(http).max_concurrent(1).build().unwrap();
        provider.hold();
        idle.block_on(async {
            let serving = Serving::bearers(verifier.clone()).await;
            tokio::spawn(async move { serving.bearer("opaque").await });
            provider.wait_for_requests(1).await;
        });
        Lost { idle, active, provider, verifier, _provider_runtime: provider_runtime }
    }
}

/// The verifier's deadline ends the wait for a request on an idle runtime.
#[test]
fn request_on_an_idle_runtime_is_replaced() {
    // Long enough that the call below begins before the request counts as lost.
    let lost = Lost::begin(Duration::from_secs(3));
    lost.provider.release();
    lost.active.block_on(async {
        let serving = Serving::bearers(lost.verifier).await;
        let rejected = within("the call", serving.bearer("opaque")).await;
        assert_eq!(rejected, Err(UNAVAILABLE.into()));
        // The lost request no longer holds the only slot.
        assert_eq!(within("the call", serving.bearer("another")).await, Ok("ada".into()));
        assert_eq!(within("the call", serving.bearer("opaque")).await, Ok("ada".into()));
    });
}

#[test]
fn end_of_a_lost_request_does_not_affect_its_replacement() {
    let Lost { idle, active, provider, verifier, _provider_runtime } =
        Lost::begin(Duration::from_secs(20));
    active.block_on(async {
        let (verifier, waiting) = Counted::new(verifier);
        let serving = Arc::new(Serving::bearers(verifier).await);
        let call = || {
            let serving = Arc::clone(&serving);
            tokio::spawn(async move { serving.bearer("opaque").await })
        };
        pass(Duration::from_secs(21)).await;
        let first = call();
        provider.wait_for_requests(2).await;
        idle.shutdown_background();
        let second = call();
        waiting.reach(2).await;
        provider.release();
        for call in [first, second] {
            assert_eq!(within("the call", call).await.unwrap(), Ok("ada".into()));
        }
        assert_eq!(provider.request_count(), 2);
    });
}

/// A waker that calls the verifier at once, as an executor may that polls in `wake`.
struct CallingWaker {
    verifier: IntrospectionVerifier<Claims>,
    runtime: Handle,
}

impl Wake for CallingWaker {
    fn wake(self: Arc<Self>) {
        let _entered = self.runtime.enter();
        let call = pin!(self.verifier.authenticate(bearer_token()));
        assert!(call.poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
}

fn bearer_token() -> BearerToken {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", "Bearer opaque".parse().unwrap());
    let extensions = Extensions::new();
    let found = Bearer::new().extract(&CallHead::new(&headers, &extensions));
    found.unwrap().credentials().unwrap()
}

#[test]
fn callers_of_a_cancelled_request_are_woken_without_a_lock() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (runtime, provider_runtime) = (runtime(), runtime());
    let provider = provider_runtime.block_on(provider());
    provider.hold();
    let verifier = builder::<Claims>(&provider).build().unwrap();
    let waker =
        CallingWaker { verifier: verifier.clone(), runtime: provider_runtime.handle().clone() };
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || {
        let waker = Waker::from(Arc::new(waker));
        let mut context = Context::from_waker(&waker);
        let mut call = pin!(verifier.authenticate(bearer_token()));
        {
            let _entered = runtime.enter();
            assert!(call.as_mut().poll(&mut context).is_pending());
        }
        runtime.block_on(provider.wait_for_requests(1));
        drop(runtime);
        let outcome = call.poll(&mut context);
        sender.send(matches!(outcome, Poll::Ready(Err(_)))).unwrap();
    });
    assert_eq!(ended.recv_timeout(Duration::from_secs(10)), Ok(true));
}

#[tokio::test]
async fn each_token_gets_its_own_outcome() {
    let provider = Provider::start().await;
    provider.reply_by(ENDPOINT, |seen| {
        let token = &seen.form["token"];
        match token.strip_prefix("of-") {
            Some(name) => Reply::Json(ada(json!({"sub": name}))),
            None => Reply::Json(r#"{"active": false}"#.into()),
        }
    });
    let serving = Arc::new(serving(&provider).await);
    let mut calls = JoinSet::new();
    for at in 0..200 {
        let serving = Arc::clone(&serving);
        calls.spawn(async move {
            let (token, expected) = match at % 3 {
                0 => ("forged".to_owned(), Err(INVALID.to_owned())),
                _ => (format!("of-{}", at % 20), Ok((at % 20).to_string())),
            };
            assert_eq!(serving.bearer(&token).await, expected);
        });
    }
    while let Some(outcome) = within("the calls", calls.join_next()).await {
        outcome.unwrap();
    }
}
