//! Many callers at once: slow ones, ones that disconnect, and more of them than the server's stream
//! limit.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Barrier, Semaphore, mpsc},
    task::JoinSet,
};
use tonic::{Code, Request, Response, Status, transport::Server};
use tonic_guard::{
    AuthError, Authenticate, Authenticated, authenticated, guard,
    scheme::{Bearer, BearerToken},
};
use tonic_guard_suite_support::{
    Running, User,
    pb::{
        Note,
        extra_client::ExtraClient,
        extra_server::{Extra, ExtraServer},
    },
    reason, request, within,
};

use crate::support::{
    raw::{Answer, H2, UNARY, held_open, one_note},
    service::{ADA, Ran, call, note, says, serve_guarded, serve_without_guard},
};

service!(Plain: [scheme = "bearer"] => User);

const GOOD: (&str, &[u8]) = ("authorization", b"Bearer ada-token");

/// A hundred callers that send headers and no message. Returns the answer to each, and the senders
/// that keep their bodies open.
fn slow_senders(h2: &H2, headers: &[(&str, &[u8])]) -> (JoinSet<Answer>, Vec<impl Send + use<>>) {
    let (mut answers, mut open) = (JoinSet::new(), Vec::new());
    for _ in 0..100 {
        let (sender, body) = held_open();
        let request = h2.request(UNARY, headers, body);
        let mut h2 = h2.clone();
        answers.spawn(async move { h2.send(request).await.unwrap() });
        open.push(sender);
    }
    (answers, open)
}

#[tokio::test]
async fn slow_senders_are_rejected_before_their_message_arrives() {
    let service = Plain::default();
    let ran = service.ran.clone();
    // Room for four streams: a rejected call frees its stream before its message is sent.
    let server = Server::builder()
        .max_concurrent_streams(Some(4))
        .add_service(guard(service, ExtraServer::from_arc));
    let server = Running::start(server).await;
    let mut h2 = H2::connect(&server).await;
    // After one answer the client knows the server's limit.
    let good = |h2: &H2| h2.request(UNARY, &[GOOD], one_note());
    h2.send(good(&h2)).await.unwrap();
    let wrong: (&str, &[u8]) = ("authorization", b"Bearer nobodys-token");
    for headers in [&[][..], &[wrong]] {
        let (answers, open) = slow_senders(&h2, headers);
        for answer in within("a slow sender", answers.join_all()).await {
            assert_eq!(answer.status().code(), Code::Unauthenticated);
        }
        assert_eq!((open.len(), ran.times()), (100, 1));
    }
    let answer = within("a good call", h2.send(good(&h2))).await;
    assert_eq!((answer.unwrap().status().code(), ran.times()), (Code::Ok, 2));
}

/// The reason for the guard: without it the server waits for each slow sender.
#[tokio::test]
async fn without_a_guard_slow_senders_get_no_answer() {
    let service = Plain::default();
    let ran = service.ran.clone();
    let server = serve_without_guard(service).await;
    let mut h2 = H2::connect(&server).await;
    let (mut answers, open) = slow_senders(&h2, &[]);
    // They were all sent before this call, which is answered.
    let answer = within("a good call", h2.send(h2.request(UNARY, &[GOOD], one_note()))).await;
    assert_eq!((answer.unwrap().status().code(), ran.times()), (Code::Ok, 1));
    assert!(answers.try_join_next().is_none(), "a call is rejected before its message is read");
    drop(open);
    for answer in within("a call without a message", answers.join_all()).await {
        assert_ne!(answer.status().code(), Code::Ok);
    }
    assert_eq!(ran.times(), 1);
}

const CALLERS: usize = 1_000;

/// Accepts the token `user-N` as the user `N`.
struct Numbered;

impl Authenticate<Bearer> for Numbered {
    type Identity = User;

    async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<User>, AuthError> {
        // Another call is checked in between.
        tokio::task::yield_now().await;
        let number = token.as_str().strip_prefix("user-").ok_or_else(AuthError::invalid)?;
        Ok(User { name: number.into(), scopes: "" }.into())
    }
}

/// A service whose `unary` answers once all callers are in it.
#[derive(Authenticate)]
struct Meeting {
    #[verifies("bearer")]
    numbers: Numbered,
    barrier: Barrier,
}

impl Meeting {
    fn new() -> Self {
        Meeting { numbers: Numbered, barrier: Barrier::new(CALLERS) }
    }
}

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Extra for Meeting {
    async fn unary(
        &self,
        request: Request<Note>,
        #[identity] caller: User,
    ) -> Result<Response<Note>, Status> {
        self.barrier.wait().await;
        says(format!("{} by {}", request.into_inner().text, caller.name))
    }

    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousand_concurrent_callers_keep_their_identities() {
    for server in [serve_guarded(Meeting::new()).await, serve_without_guard(Meeting::new()).await] {
        let mut calls = JoinSet::new();
        // Fewer calls per connection than the server's limit.
        for connection in 0..10 {
            let channel = server.channel().await;
            for at in 0..CALLERS / 10 {
                let number = connection * 100 + at;
                let mut client = ExtraClient::new(channel.clone());
                calls.spawn(async move {
                    let token = format!("Bearer user-{number}");
                    let sent =
                        request(note(format!("sent {number}")), &[("authorization", &token)]);
                    let answer = client.unary(sent).await.unwrap().into_inner().text;
                    assert_eq!(answer, format!("sent {number} by {number}"));
                });
            }
        }
        assert_eq!(within("a thousand calls", calls.join_all()).await.len(), CALLERS);
    }
}

/// A service whose `unary` waits until it is released.
#[derive(Authenticate)]
struct Busy {
    #[verifies("bearer")]
    numbers: Numbered,
    entered: mpsc::UnboundedSender<String>,
    release: Arc<Semaphore>,
}

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Extra for Busy {
    async fn unary(
        &self,
        _: Request<Note>,
        #[identity] caller: User,
    ) -> Result<Response<Note>, Status> {
        let _ = self.entered.send(caller.name);
        self.release.acquire().await.map_err(|_| Status::aborted("closed"))?.forget();
        says("")
    }

    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("")
    }
}

#[tokio::test]
async fn server_at_its_stream_limit_decides_as_usual() {
    const STREAM_LIMIT: u32 = 4;

    let release = Arc::new(Semaphore::new(0));
    let (entered, mut names) = mpsc::unbounded_channel();
    let service = Busy { numbers: Numbered, entered, release: Arc::clone(&release) };
    let server = Server::builder()
        .max_concurrent_streams(Some(STREAM_LIMIT))
        .add_service(guard(service, ExtraServer::from_arc));
    let server = Running::start(server).await;
    let h2 = H2::connect(&server).await;
    let send = |headers: &[(&str, &[u8])]| {
        let request = h2.request(UNARY, headers, one_note());
        let mut h2 = h2.clone();
        async move { h2.send(request).await.unwrap().status() }
    };

    let mut inside = JoinSet::new();
    for _ in 0..STREAM_LIMIT {
        inside.spawn(send(&[("authorization", b"Bearer user-1")]));
    }
    for _ in 0..STREAM_LIMIT {
        assert_eq!(within("a call up to the limit", names.recv()).await.unwrap(), "1");
    }

    // Beyond the limit, on the same connection: some without credentials, one with.
    let mut rejected = JoinSet::new();
    for _ in 0..20 {
        rejected.spawn(send(&[]));
        rejected.spawn(send(&[("authorization", b"Bearer nobodys-token")]));
    }
    let admitted = tokio::spawn(send(&[("authorization", b"Bearer user-2")]));
    // Another connection has another limit.
    let on_another_connection = within("another connection", call(&server, &[])).await.unwrap_err();
    assert_eq!(reason(&on_another_connection), "CREDENTIALS_MISSING");
    assert!(names.try_recv().is_err(), "a call beyond the limit is admitted");

    release.add_permits(STREAM_LIMIT as usize);
    for status in within("the calls that were inside", inside.join_all()).await {
        assert_eq!(status.code(), Code::Ok);
    }
    for status in within("the calls beyond the limit", rejected.join_all()).await {
        assert_eq!(status.code(), Code::Unauthenticated);
    }
    assert_eq!(within("the good call beyond the limit", names.recv()).await.unwrap(), "2");
    release.add_permits(1);
    assert_eq!(within("its answer", admitted).await.unwrap().code(), Code::Ok);
    assert!(names.try_recv().is_err(), "a rejected call reached the handler");
}

/// Counts the checks that began, and those that ended or were cancelled.
#[derive(Clone)]
struct Waiting {
    begun: mpsc::UnboundedSender<()>,
    ended: Arc<AtomicUsize>,
}

struct Ended(Arc<AtomicUsize>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Authenticate<Bearer> for Waiting {
    type Identity = User;

    async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<User>, AuthError> {
        let _ended = Ended(Arc::clone(&self.ended));
        if token.matches("ada-token") {
            return Ok(User { name: "ada".into(), scopes: "" }.into());
        }
        let _ = self.begun.send(());
        std::future::pending().await
    }

    fn deadline(&self) -> Duration {
        Duration::MAX
    }
}

#[derive(Authenticate)]
struct Patient {
    #[verifies("bearer")]
    tokens: Waiting,
    ran: Ran,
}

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Extra for Patient {
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        self.ran.once();
        says("")
    }

    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("")
    }
}

#[tokio::test]
async fn check_is_cancelled_if_its_caller_disconnects() {
    for with_guard in [true, false] {
        let (begun, mut checks) = mpsc::unbounded_channel();
        let (ended, ran) = (Arc::default(), Ran::default());
        let tokens = Waiting { begun, ended: Arc::clone(&ended) };
        let service = Patient { tokens, ran: ran.clone() };
        let server = match with_guard {
            true => serve_guarded(service).await,
            false => serve_without_guard(service).await,
        };
        let mut h2 = H2::connect(&server).await;
        let mut calls = JoinSet::new();
        for _ in 0..20 {
            let request = h2.request(UNARY, &[("authorization", b"Bearer hang")], one_note());
            let mut h2 = h2.clone();
            calls.spawn(async move { h2.send(request).await });
        }
        for _ in 0..20 {
            within("a check", checks.recv()).await.unwrap();
        }
        assert_eq!(ended.load(Ordering::SeqCst), 0);
        // Dropping the answers resets the streams.
        calls.shutdown().await;
        let all_ended = async {
            while ended.load(Ordering::SeqCst) < 20 {
                tokio::task::yield_now().await;
            }
        };
        within("a check whose caller disconnected", all_ended).await;
        assert_eq!(ran.times(), 0);
        // The connection and the server keep working.
        let answer = h2.send(h2.request(UNARY, &[GOOD], one_note())).await.unwrap();
        assert_eq!((answer.status().code(), ran.times()), (Code::Ok, 1));
        assert!(call(&server, &[ADA]).await.is_ok());
    }
}
