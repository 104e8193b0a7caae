//! The readiness of the service inside a guard, which only admitted calls acquire.

use std::{
    convert::Infallible,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use http_body_util::Empty;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};
use tonic::{Code, Request, Response, Status, body::Body, server::NamedService, transport::Server};
use tonic_guard::{
    AuthError, Authenticate, Authenticated, Immediate, authenticated, guard,
    scheme::{Bearer, BearerToken},
};
use tonic_guard_suite_support::{
    Running, User,
    counted::{Counted, Waiting},
    pb::{
        Note,
        extra_server::{Extra, ExtraServer},
    },
    until, within,
};
use tower_service::Service;

use crate::support::{
    raw::UNARY,
    service::{ADA, Ran, call, says},
};

/// A layer with one permit, which a call holds from its readiness to its response.
struct OnePermit<S> {
    service: S,
    permits: Arc<Semaphore>,
    /// The services that wait for the permit.
    waiting: Arc<AtomicUsize>,
    acquiring: Option<Pin<Box<dyn Future<Output = OwnedSemaphorePermit> + Send + Sync>>>,
    permit: Option<OwnedSemaphorePermit>,
}

struct WaitingService(Arc<AtomicUsize>);

impl Drop for WaitingService {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl<S> OnePermit<S> {
    fn new(service: S, permits: &Arc<Semaphore>, waiting: &Arc<AtomicUsize>) -> Self {
        let (permits, waiting) = (Arc::clone(permits), Arc::clone(waiting));
        OnePermit { service, permits, waiting, acquiring: None, permit: None }
    }
}

impl<S: Clone> Clone for OnePermit<S> {
    fn clone(&self) -> Self {
        OnePermit::new(self.service.clone(), &self.permits, &self.waiting)
    }
}

impl<S: NamedService> NamedService for OnePermit<S> {
    const NAME: &'static str = S::NAME;
}

impl<S, R> Service<R> for OnePermit<S>
where
    S: Service<R, Error = Infallible>,
    S::Future: Send + 'static,
    S::Response: 'static,
{
    type Response = S::Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.permit.is_some() {
            return Poll::Ready(Ok(()));
        }
        let acquiring = self.acquiring.get_or_insert_with(|| {
            self.waiting.fetch_add(1, Ordering::SeqCst);
            let waiting = WaitingService(Arc::clone(&self.waiting));
            let permits = Arc::clone(&self.permits);
            Box::pin(async move {
                let _waiting = waiting;
                permits.acquire_owned().await.unwrap()
            })
        });
        acquiring.as_mut().poll(cx).map(|permit| {
            (self.permit, self.acquiring) = (Some(permit), None);
            Ok(())
        })
    }

    fn call(&mut self, request: R) -> Self::Future {
        let permit = self.permit.take().expect("the service was polled ready");
        let response = self.service.call(request);
        Box::pin(async move {
            let _permit = permit;
            response.await
        })
    }
}

/// Accepts `ada-token`: at once as `IN_MEMORY`, or else in a future. Other tokens wait for `decides`.
struct Slow<const IN_MEMORY: bool> {
    decides: Semaphore,
}

impl<const IN_MEMORY: bool> Authenticate<Bearer> for Slow<IN_MEMORY> {
    type Identity = User;

    async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<User>, AuthError> {
        if token.matches("ada-token") {
            return Ok(User { name: "ada".into(), scopes: "" }.into());
        }
        let _decided = self.decides.acquire().await.unwrap();
        Err(AuthError::invalid())
    }

    fn authenticate_now(&self, token: BearerToken) -> Immediate<User, BearerToken> {
        if IN_MEMORY && token.matches("ada-token") {
            return Immediate::Decided(Ok(User { name: "ada".into(), scopes: "" }.into()));
        }
        Immediate::Deferred(token)
    }
}

/// A service whose handler waits for `goes`.
#[derive(Authenticate)]
struct Limited<const IN_MEMORY: bool> {
    #[verifies("bearer")]
    tokens: Arc<Counted<Slow<IN_MEMORY>>>,
    goes: Arc<Semaphore>,
    ran: Ran,
}

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl<const IN_MEMORY: bool> Extra for Limited<IN_MEMORY> {
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        self.ran.once();
        let _going = self.goes.acquire().await.unwrap();
        says("in")
    }

    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("")
    }
}

/// A server with one permit inside its guard.
struct Fixture<const IN_MEMORY: bool> {
    server: Arc<Running>,
    tokens: Arc<Counted<Slow<IN_MEMORY>>>,
    verifying: Waiting,
    goes: Arc<Semaphore>,
    acquiring: Arc<AtomicUsize>,
    ran: Ran,
}

impl<const IN_MEMORY: bool> Fixture<IN_MEMORY> {
    async fn start(goes: usize) -> Self {
        let (tokens, verifying) = Counted::new(Slow { decides: Semaphore::new(0) });
        let (tokens, goes) = (Arc::new(tokens), Arc::new(Semaphore::new(goes)));
        let ran = Ran::default();
        let service =
            Limited { tokens: Arc::clone(&tokens), goes: Arc::clone(&goes), ran: ran.clone() };
        let (permits, acquiring) = (Arc::new(Semaphore::new(1)), Arc::default());
        let guard = guard(service, |service| {
            OnePermit::new(ExtraServer::from_arc(service), &permits, &acquiring)
        });
        let server = Arc::new(Running::start(Server::builder().add_service(guard)).await);
        Fixture { server, tokens, verifying, goes, acquiring, ran }
    }

    /// Sends a call in a task.
    fn send(&self, headers: &'static [(&str, &str)], calls: &mut JoinSet<Result<String, Status>>) {
        let server = Arc::clone(&self.server);
        calls.spawn(async move { call(&server, headers).await });
    }
}

async fn bad_callers_take_no_permit<const IN_MEMORY: bool>() {
    let fixture = Fixture::<IN_MEMORY>::start(100).await;
    let mut rejected = JoinSet::new();
    for _ in 0..100 {
        fixture.send(&[("authorization", "Bearer nobodys-token")], &mut rejected);
    }
    fixture.verifying.reach(100).await;
    for _ in 0..10 {
        let good = within("a good call", call(&fixture.server, &[ADA])).await;
        assert_eq!(good.unwrap(), "in");
    }
    assert_eq!(fixture.acquiring.load(Ordering::SeqCst), 0);
    fixture.tokens.verifier().decides.add_permits(100);
    for answer in within("the bad calls", rejected.join_all()).await {
        assert_eq!(answer.unwrap_err().code(), Code::Unauthenticated);
    }
    assert_eq!(fixture.ran.times(), 10);
}

#[tokio::test]
async fn callers_with_bad_tokens_under_a_slow_verifier_take_no_permit() {
    bad_callers_take_no_permit::<true>().await;
    bad_callers_take_no_permit::<false>().await;
}

async fn admitted_calls_take_turns<const IN_MEMORY: bool>() {
    let fixture = Fixture::<IN_MEMORY>::start(0).await;
    let mut calls = JoinSet::new();
    fixture.send(&[ADA], &mut calls);
    until("the first call runs", || fixture.ran.times() == 1).await;
    for _ in 0..5 {
        fixture.send(&[ADA], &mut calls);
    }
    until("the others wait", || fixture.acquiring.load(Ordering::SeqCst) == 5).await;
    // A call without credentials doesn't wait for the permit.
    let rejected = within("a bad call", call(&fixture.server, &[])).await;
    assert_eq!(rejected.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(fixture.ran.times(), 1, "the permit is held");
    fixture.goes.add_permits(1);
    for answer in within("six calls, one at a time", calls.join_all()).await {
        assert_eq!(answer.unwrap(), "in");
    }
    assert_eq!(fixture.ran.times(), 6);
}

#[tokio::test]
async fn admitted_calls_wait_until_the_inner_service_is_ready() {
    admitted_calls_take_turns::<true>().await;
    admitted_calls_take_turns::<false>().await;
}

async fn cancelled_call_gives_up_its_place<const IN_MEMORY: bool>() {
    let fixture = Fixture::<IN_MEMORY>::start(0).await;
    let (mut first, mut cancelled) = (JoinSet::new(), JoinSet::new());
    fixture.send(&[ADA], &mut first);
    until("the first call runs", || fixture.ran.times() == 1).await;
    fixture.send(&[ADA], &mut cancelled);
    until("the second call waits", || fixture.acquiring.load(Ordering::SeqCst) == 1).await;
    cancelled.shutdown().await;
    until("its place is given up", || fixture.acquiring.load(Ordering::SeqCst) == 0).await;
    fixture.goes.add_permits(1);
    for answer in within("the first call", first.join_all()).await {
        assert_eq!(answer.unwrap(), "in");
    }
    assert!(within("a later call", call(&fixture.server, &[ADA])).await.is_ok());
    assert_eq!(fixture.ran.times(), 2);
}

#[tokio::test]
async fn call_that_is_cancelled_while_it_waits_gives_up_its_place() {
    cancelled_call_gives_up_its_place::<true>().await;
    cancelled_call_gives_up_its_place::<false>().await;
}

/// A server that records what happens to it, and becomes ready when `readiness` permits.
#[derive(Clone)]
struct Recorded<S> {
    service: S,
    readiness: fn(usize) -> Poll<Result<(), &'static str>>,
    events: Arc<Mutex<Vec<&'static str>>>,
}

impl<S: NamedService> NamedService for Recorded<S> {
    const NAME: &'static str = S::NAME;
}

impl<S: Service<R, Error = Infallible>, R> Service<R> for Recorded<S>
where
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = &'static str;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, &'static str>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        let mut events = self.events.lock().unwrap();
        events.push("poll_ready");
        (self.readiness)(events.len())
    }

    fn call(&mut self, request: R) -> Self::Future {
        self.events.lock().unwrap().push("call");
        let response = self.service.call(request);
        Box::pin(async move { response.await.map_err(|never| match never {}) })
    }
}

/// Sends one call with `token` through a guard around a [`Recorded`] server: its result, and the events.
fn recorded<const IN_MEMORY: bool>(
    token: &'static str,
    readiness: fn(usize) -> Poll<Result<(), &'static str>>,
) -> (Result<Code, &'static str>, Vec<&'static str>) {
    let (tokens, _) = Counted::new(Slow { decides: Semaphore::new(1) });
    let service = Limited::<IN_MEMORY> {
        tokens: Arc::new(tokens),
        goes: Arc::new(Semaphore::new(1)),
        ran: Ran::default(),
    };
    let events = Arc::<Mutex<Vec<_>>>::default();
    let mut guard = guard(service, |service| Recorded {
        service: ExtraServer::from_arc(service),
        readiness,
        events: Arc::clone(&events),
    });
    let request = http::Request::post(UNARY)
        .header("content-type", "application/grpc")
        .header("authorization", format!("Bearer {token}"))
        .body(Body::new(Empty::new()))
        .unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Service::<http::Request<Body>>::poll_ready(&mut guard, &mut cx).is_ready());
    assert!(events.lock().unwrap().is_empty(), "a guard is ready without the inner service");
    let mut response = pin!(guard.call(request));
    let result = loop {
        if let Poll::Ready(result) = response.as_mut().poll(&mut cx) {
            break result;
        }
    };
    let code = result.map(|response| {
        Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code())
    });
    let events = events.lock().unwrap().clone();
    (code, events)
}

#[tokio::test]
async fn inner_service_is_ready_before_it_is_called_and_is_not_polled_for_a_rejected_call() {
    let ready = |_| Poll::Ready(Ok(()));
    for result in [recorded::<true>("wrong-token", ready), recorded::<false>("wrong-token", ready)]
    {
        assert_eq!(result, (Ok(Code::Unauthenticated), vec![]));
    }
    for (code, events) in
        [recorded::<true>("ada-token", ready), recorded::<false>("ada-token", ready)]
    {
        assert_ne!(code, Ok(Code::Unauthenticated));
        assert_eq!(events, ["poll_ready", "call"]);
    }
    let third = |polls: usize| if polls < 3 { Poll::Pending } else { Poll::Ready(Ok(())) };
    for (_, events) in [recorded::<true>("ada-token", third), recorded::<false>("ada-token", third)]
    {
        assert_eq!(events.last(), Some(&"call"));
        assert!(events.iter().filter(|event| **event == "poll_ready").count() >= 3, "{events:?}");
    }
}

#[tokio::test]
async fn error_of_the_inner_service_ends_an_admitted_call() {
    let failed = |_| Poll::Ready(Err("out of order"));
    let later =
        |polls: usize| if polls < 3 { Poll::Pending } else { Poll::Ready(Err("out of order")) };
    for readiness in [failed, later as fn(usize) -> _] {
        for (result, events) in
            [recorded::<true>("ada-token", readiness), recorded::<false>("ada-token", readiness)]
        {
            assert_eq!(result, Err("out of order"));
            assert!(!events.contains(&"call"), "{events:?}");
        }
        let (rejected, events) = recorded::<true>("wrong-token", readiness);
        assert_eq!((rejected, events), (Ok(Code::Unauthenticated), vec![]));
    }
}
