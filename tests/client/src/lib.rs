//! What the tests share: an issuer of tokens that the test holds in its hand, a guarded server that knows
//! them and remembers every attempt, and a server that answers what it is told.

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use http::HeaderMap;
use tokio::sync::Semaphore;
use tokio_stream::{Stream, StreamExt};
use tonic::{
    Request, Response, Status, Streaming,
    body::Body,
    server::NamedService,
    transport::{Channel, Endpoint, Server},
};
use tonic_guard::{
    AuthError, Authenticate, authenticated,
    client::{CallCredentials, CallCredentialsService, Token, TokenSource, TokenSourceError},
    guard,
    scheme::{ApiKey, ApiKeyValue, Basic, BasicCredentials, Bearer, BearerToken},
};
use tonic_guard_suite_support::{
    LIMIT, Running,
    pb::{
        Note,
        kinds_client::KindsClient,
        kinds_server::{Kinds, KindsServer},
    },
};
use tower_service::Service;

/// A generated client whose calls carry credentials.
pub type Client = KindsClient<CallCredentialsService<Channel>>;

/// Gives out tokens, each once, and knows which are good.
///
/// It is what the server asks and, as [`Source`], what the client asks.
#[derive(Debug, Default)]
pub struct Issuer {
    good: Mutex<HashMap<String, Option<Instant>>>,
    issued: AtomicUsize,
    /// Answers that wait, by token, and how many do.
    held: Mutex<HashMap<String, Arc<Semaphore>>>,
    waiting: AtomicUsize,
}

impl Issuer {
    /// A token that is good from now on: `token-1`, `token-2` and so on.
    pub fn issue(&self) -> String {
        self.issue_for(None)
    }

    /// A token that is good for `life`.
    pub fn issue_for(&self, life: Option<Duration>) -> String {
        let token = format!("token-{}", self.issued.fetch_add(1, Ordering::SeqCst) + 1);
        let end = life.map(|life| Instant::now() + life);
        lock(&self.good).insert(token.clone(), end);
        token
    }

    /// No token that was given out is good any more.
    pub fn revoke_all(&self) {
        lock(&self.good).clear();
    }

    /// The answer about `token` is found, and then waits until the returned semaphore has a permit.
    pub fn hold_answer(&self, token: &str) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        lock(&self.held).insert(token.into(), Arc::clone(&gate));
        gate
    }

    /// How many answers wait.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    async fn check(&self, token: &str) -> Result<(), AuthError> {
        let answer = self.answer(token);
        let gate = lock(&self.held).get(token).cloned();
        if let Some(gate) = gate {
            self.waiting.fetch_add(1, Ordering::SeqCst);
            if let Ok(permit) = gate.acquire().await {
                permit.forget();
            }
        }
        answer
    }

    fn answer(&self, token: &str) -> Result<(), AuthError> {
        match lock(&self.good).get(token) {
            None => Err(AuthError::invalid()),
            Some(Some(end)) if *end <= Instant::now() => Err(AuthError::expired()),
            Some(_) => Ok(()),
        }
    }
}

/// A source that asks an [`Issuer`], and does what the test says.
#[derive(Clone, Debug)]
pub struct Source(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    issuer: Arc<Issuer>,
    fetches: AtomicUsize,
    script: Mutex<Script>,
    gate: Semaphore,
}

#[derive(Debug)]
struct Script {
    life: Option<Duration>,
    answers: VecDeque<Answer>,
    always: Option<Answer>,
    gated: bool,
    deadline: Duration,
}

/// How a source answers once.
#[derive(Clone, Debug)]
pub enum Answer {
    /// With this token.
    Token(&'static str),
    /// It can't be reached.
    Down,
    /// With something that isn't a token.
    Unusable,
    /// Never.
    Hangs,
    /// It panics.
    Panics,
}

impl Source {
    /// A source whose every token is new and says nothing of its life.
    pub fn new(issuer: &Arc<Issuer>) -> Self {
        let script = Script {
            life: None,
            answers: VecDeque::new(),
            always: None,
            gated: false,
            deadline: LIMIT,
        };
        Source(Arc::new(Inner {
            issuer: Arc::clone(issuer),
            fetches: AtomicUsize::new(0),
            script: Mutex::new(script),
            gate: Semaphore::new(0),
        }))
    }

    /// The tokens live this long, and say so.
    #[must_use]
    pub fn life(self, life: Duration) -> Self {
        self.live(life);
        self
    }

    /// The tokens of now on live this long.
    pub fn live(&self, life: Duration) {
        lock(&self.0.script).life = Some(life);
    }

    /// What it takes longer for than this is given up.
    #[must_use]
    pub fn within(self, deadline: Duration) -> Self {
        lock(&self.0.script).deadline = deadline;
        self
    }

    /// What it answers next, once.
    pub fn then(&self, answer: Answer) {
        lock(&self.0.script).answers.push_back(answer);
    }

    /// What it answers from now on; as ever with `None`.
    pub fn always(&self, answer: Option<Answer>) {
        lock(&self.0.script).always = answer;
    }

    /// Fetches wait from now on, until [`release`](Source::release) lets one go.
    pub fn hold(&self) {
        lock(&self.0.script).gated = true;
    }

    /// Lets one fetch go, and all that come later.
    pub fn release(&self) {
        lock(&self.0.script).gated = false;
        self.0.gate.add_permits(1);
    }

    /// How often it was asked.
    pub fn fetches(&self) -> usize {
        self.0.fetches.load(Ordering::SeqCst)
    }
}

impl TokenSource for Source {
    #[allow(clippy::panic, reason = "that is what is tested")]
    async fn token(&self) -> Result<Token, TokenSourceError> {
        self.0.fetches.fetch_add(1, Ordering::SeqCst);
        let (life, answer, gated) = {
            let mut script = lock(&self.0.script);
            let answer = script.answers.pop_front().or_else(|| script.always.clone());
            (script.life, answer, script.gated)
        };
        if gated && let Ok(permit) = self.0.gate.acquire().await {
            permit.forget();
        }
        match answer {
            Some(Answer::Token(token)) => Ok(Token::new(token)),
            Some(Answer::Down) => Err(TokenSourceError::unreachable("the issuer is down")),
            Some(Answer::Unusable) => Err(TokenSourceError::unusable("the issuer said no")),
            Some(Answer::Hangs) => std::future::pending().await,
            Some(Answer::Panics) => panic!("a source panics"),
            None => {
                let token = Token::new(self.0.issuer.issue_for(life));
                Ok(match life {
                    Some(life) => token.expires_in(life),
                    None => token,
                })
            }
        }
    }

    fn deadline(&self) -> Duration {
        lock(&self.0.script).deadline
    }
}

/// The service behind the guard. It answers with the text that it was sent.
#[derive(Debug)]
pub struct Echo {
    issuer: Arc<Issuer>,
}

impl Echo {
    /// One that takes the tokens of `issuer`.
    pub fn new(issuer: &Arc<Issuer>) -> Self {
        Echo { issuer: Arc::clone(issuer) }
    }
}

/// Who calls.
#[derive(Debug)]
pub struct User;

impl Authenticate<Bearer> for Echo {
    type Identity = User;

    async fn authenticate(&self, token: BearerToken) -> Result<User, AuthError> {
        self.issuer.check(token.as_str()).await.map(|()| User)
    }
}

impl Authenticate<ApiKey> for Echo {
    type Identity = User;

    async fn authenticate(&self, key: ApiKeyValue) -> Result<User, AuthError> {
        self.issuer.check(key.as_str()).await.map(|()| User)
    }
}

impl Authenticate<Basic> for Echo {
    type Identity = User;

    async fn authenticate(&self, credentials: BasicCredentials) -> Result<User, AuthError> {
        if credentials.user_id() != "ada" {
            return Err(AuthError::invalid());
        }
        self.issuer.check(credentials.password()).await.map(|()| User)
    }
}

type Notes = std::pin::Pin<Box<dyn Stream<Item = Result<Note, Status>> + Send>>;

#[authenticated(scheme = one_of("bearer", "basic", "api-key"))]
#[tonic::async_trait]
impl Kinds for Echo {
    async fn unary(
        &self,
        request: Request<Note>,
        #[identity] _: User,
    ) -> Result<Response<Note>, Status> {
        let note = request.into_inner();
        match note.text.as_str() {
            "denied" => Err(Status::permission_denied("not you")),
            "slow" => std::future::pending().await,
            _ => Ok(Response::new(note)),
        }
    }

    type DownStream = Notes;

    /// Three times the note; told "then refuse", it ends as a refusal after the first.
    async fn down(
        &self,
        request: Request<Note>,
        #[identity] _: User,
    ) -> Result<Response<Notes>, Status> {
        let note = request.into_inner();
        let last = match note.text.as_str() {
            "then refuse" => Err(Status::unauthenticated("in the middle")),
            _ => Ok(note.clone()),
        };
        let notes = [Ok(note.clone()), last.clone(), last];
        Ok(Response::new(Box::pin(tokio_stream::iter(notes))))
    }

    /// The texts, one after the other, and as many bytes of payload as came.
    async fn up(
        &self,
        request: Request<Streaming<Note>>,
        #[identity] _: User,
    ) -> Result<Response<Note>, Status> {
        let mut notes = request.into_inner();
        let (mut texts, mut bytes) = (Vec::new(), 0);
        while let Some(note) = notes.message().await? {
            texts.push(note.text);
            bytes += note.payload.len();
        }
        Ok(Response::new(Note { text: format!("{} {bytes}", texts.join(",")), payload: vec![] }))
    }

    type BothStream = Notes;

    async fn both(
        &self,
        request: Request<Streaming<Note>>,
        #[identity] _: User,
    ) -> Result<Response<Notes>, Status> {
        Ok(Response::new(Box::pin(request.into_inner().map(|note| note))))
    }
}

/// The heads of the attempts that came, in their order.
#[derive(Clone, Debug, Default)]
pub struct Attempts(Arc<Mutex<Vec<HeaderMap>>>);

impl Attempts {
    /// How many came.
    pub fn count(&self) -> usize {
        lock(&self.0).len()
    }

    /// All values of a header, one for each attempt that had it.
    pub fn header(&self, name: &str) -> Vec<String> {
        let attempts = lock(&self.0);
        let values = attempts.iter().filter_map(|headers| headers.get(name));
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    }

    /// Those of all attempts, in the same words.
    pub fn tokens(&self) -> Vec<String> {
        self.header("authorization")
    }
}

/// Remembers attempts outside of the guard.
#[derive(Clone, Debug)]
struct Remembers<S> {
    inner: S,
    attempts: Attempts,
}

impl<S: NamedService> NamedService for Remembers<S> {
    const NAME: &'static str = S::NAME;
}

impl<S: Service<http::Request<Body>>> Service<http::Request<Body>> for Remembers<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> S::Future {
        lock(&self.attempts.0).push(request.headers().clone());
        self.inner.call(request)
    }
}

/// A guarded server, the issuer whose tokens it takes, and the attempts that it saw.
#[derive(Debug)]
pub struct Guarded {
    /// The issuer.
    pub issuer: Arc<Issuer>,
    /// The attempts.
    pub attempts: Attempts,
    running: Running,
}

impl Guarded {
    /// A running one.
    pub async fn start() -> Self {
        let (issuer, attempts) = (Arc::new(Issuer::default()), Attempts::default());
        let service = guard(Echo::new(&issuer), KindsServer::from_arc);
        let service = Remembers { inner: service, attempts: attempts.clone() };
        let running = Running::start(Server::builder().add_service(service)).await;
        Guarded { issuer, attempts, running }
    }

    /// Where it listens.
    pub fn endpoint(&self) -> Endpoint {
        self.running.endpoint()
    }

    /// A client of this server.
    pub fn client(&self, credentials: &CallCredentials) -> Client {
        client(self.endpoint(), credentials)
    }

    /// A source of its tokens.
    pub fn source(&self) -> Source {
        Source::new(&self.issuer)
    }

    /// The running server.
    pub fn running(&self) -> &Running {
        &self.running
    }
}

/// A client of a server on loopback.
///
/// # Panics
/// When the endpoint is elsewhere.
#[allow(clippy::expect_used, reason = "a test fixture")]
pub fn client(endpoint: Endpoint, credentials: &CallCredentials) -> Client {
    KindsClient::new(credentials.loopback_channel(endpoint).expect("it is on loopback"))
}

/// A server that answers its calls with heads and bodies out of a list, and hangs when it is at its end.
#[derive(Clone)]
pub struct Scripted {
    answers: Arc<Mutex<VecDeque<http::Response<Body>>>>,
    last: fn() -> http::Response<Body>,
    attempts: Attempts,
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

impl Scripted {
    /// A running one: it gives `answers` in their order, and then `last` for ever.
    pub async fn start(
        answers: impl IntoIterator<Item = http::Response<Body>>,
        last: fn() -> http::Response<Body>,
    ) -> (Running, Attempts) {
        let attempts = Attempts::default();
        let answers = Arc::new(Mutex::new(answers.into_iter().collect()));
        let service = Scripted { answers, last, attempts: attempts.clone() };
        (Running::start(Server::builder().add_service(service)).await, attempts)
    }
}

impl NamedService for Scripted {
    const NAME: &'static str = tonic_guard_suite_support::KINDS;
}

impl Service<http::Request<Body>> for Scripted {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        lock(&self.attempts.0).push(request.headers().clone());
        let next = lock(&self.answers).pop_front();
        std::future::ready(Ok(next.unwrap_or_else(self.last)))
    }
}

/// UNAUTHENTICATED in trailers-only form, as a server says it that knows no `ErrorInfo`.
pub fn refusal() -> http::Response<Body> {
    Status::unauthenticated("no").into_http()
}

/// A whole answer to a unary call.
pub fn answer() -> http::Response<Body> {
    let mut response =
        http::Response::new(Body::new(http_body_util::StreamBody::new(tokio_stream::iter([
            // An empty message: not compressed, of no length.
            Ok::<_, Status>(http_body::Frame::data(bytes::Bytes::from_static(&[0; 5]))),
            Ok(http_body::Frame::trailers(HeaderMap::from_iter([(
                http::HeaderName::from_static("grpc-status"),
                http::HeaderValue::from_static("0"),
            )]))),
        ]))));
    let grpc = http::HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(http::header::CONTENT_TYPE, grpc);
    response
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
