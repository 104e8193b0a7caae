//! An identity provider on loopback that counts who asks it and misbehaves when it is told to.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::watch,
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

use crate::LIMIT;

/// What `future` gives.
///
/// # Panics
/// When it takes longer than [`LIMIT`].
#[allow(clippy::panic, reason = "a test fixture")]
pub async fn within<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(LIMIT, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what} took longer than {LIMIT:?}"),
    }
}

/// A request as the provider saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its path.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, which is a form.
    pub form: HashMap<String, String>,
}

/// What the provider does with a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Answers 200 with this text.
    Json(String),
    /// Answers with this status, these headers and this body.
    Whole(StatusCode, Vec<(&'static str, String)>, Bytes),
    /// Answers 200 with a body without end.
    Endless,
    /// Answers 200 and begins a body that never goes on.
    Stalled,
    /// Ends the connection without an answer.
    Reset,
}

impl Reply {
    /// Answers with this status and nothing else.
    ///
    /// # Panics
    /// When it isn't a status.
    #[allow(clippy::expect_used, reason = "a test fixture")]
    pub fn status(code: u16) -> Reply {
        let status = StatusCode::from_u16(code).expect("a status");
        Reply::Whole(status, Vec::new(), Bytes::new())
    }

    /// Sends the client to `location`.
    pub fn redirect(location: String) -> Reply {
        Reply::Whole(StatusCode::FOUND, vec![("location", location)], Bytes::new())
    }
}

type Handler = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;

#[derive(Default)]
struct Told {
    handlers: HashMap<String, Handler>,
    seen: Vec<Seen>,
}

/// The provider. Dropped, it is stopped.
pub struct Provider {
    addr: SocketAddr,
    scheme: &'static str,
    told: Arc<Mutex<Told>>,
    asked: watch::Sender<usize>,
    open: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl Provider {
    /// A provider that answers 404, over plain http.
    pub async fn start() -> Provider {
        Provider::start_with("http", None).await
    }

    /// The same over TLS.
    pub async fn start_tls(tls: TlsAcceptor) -> Provider {
        Provider::start_with("https", Some(tls)).await
    }

    async fn start_with(scheme: &'static str, tls: Option<TlsAcceptor>) -> Provider {
        let (asked, open) = (watch::Sender::new(0), watch::Sender::new(true));
        let told = Arc::default();
        let addr = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut provider = Provider { addr, scheme, told, asked, open, task: None };
        provider.listen(tls).await;
        provider
    }

    #[allow(clippy::expect_used, reason = "a test fixture")]
    async fn listen(&mut self, tls: Option<TlsAcceptor>) {
        let listener = TcpListener::bind(self.addr).await.expect("a port on loopback");
        self.addr = listener.local_addr().expect("a bound listener has an address");
        let (told, asked, open) = (Arc::clone(&self.told), self.asked.clone(), self.open.clone());
        self.task = Some(tokio::spawn(async move {
            // Dropped with this task, and the connections with it.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let desk =
                    Desk { told: Arc::clone(&told), asked: asked.clone(), open: open.subscribe() };
                let tls = tls.clone();
                connections.spawn(async move {
                    match tls {
                        None => desk.serve(stream).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                desk.serve(stream).await;
                            }
                        }
                    }
                });
            }
        }));
    }

    /// Stops it: its port is closed and so is every connection.
    pub async fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            let _ = task.await;
        }
    }

    /// Starts it again, over plain http, on the same port.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.listen(None).await;
    }

    /// The URL of `path`.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.addr)
    }

    /// Requests to `path` get this reply.
    pub fn reply(&self, path: &str, reply: Reply) {
        self.reply_by(path, move |_| reply.clone());
    }

    /// Requests to `path` get the reply that `handler` makes.
    pub fn reply_by(&self, path: &str, handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) {
        lock(&self.told).handlers.insert(path.to_owned(), Arc::new(handler));
    }

    /// From now on requests are counted and then wait.
    pub fn hold(&self) {
        self.open.send_replace(false);
    }

    /// Those that wait are answered.
    pub fn release(&self) {
        self.open.send_replace(true);
    }

    /// How many requests came in.
    pub fn asked(&self) -> usize {
        *self.asked.borrow()
    }

    /// Waits until `times` requests came in.
    ///
    /// # Panics
    /// When they don't within [`LIMIT`].
    pub async fn asked_at_least(&self, times: usize) {
        let mut asked = self.asked.subscribe();
        let enough = asked.wait_for(|asked| *asked >= times);
        let _ = within(&format!("request {times}"), enough).await;
    }

    /// Forgets the requests that came in, where they are too many to keep.
    pub fn forget(&self) {
        lock(&self.told).seen.clear();
    }

    /// The requests that came in.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.told).seen.clone()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a connection is served.
struct Desk {
    told: Arc<Mutex<Told>>,
    asked: watch::Sender<usize>,
    open: watch::Receiver<bool>,
}

impl Desk {
    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let service = service_fn(|request| self.answer(request));
        // It ends with an error when a reply resets it.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<ReplyBody>, Box<dyn std::error::Error + Send + Sync>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let form = url::form_urlencoded::parse(&body).into_owned().collect();
        let seen = Seen { path: head.uri.path().to_owned(), headers: head.headers, form };
        let handler = {
            let mut told = lock(&self.told);
            told.seen.push(seen.clone());
            told.handlers.get(&seen.path).cloned()
        };
        self.asked.send_modify(|asked| *asked += 1);
        self.open.clone().wait_for(|open| *open).await?;
        let reply = handler.map_or_else(|| Reply::status(404), |handler| handler(&seen));
        let (status, headers, body) = match reply {
            Reply::Json(text) => (StatusCode::OK, Vec::new(), ReplyBody::Whole(Some(text.into()))),
            Reply::Whole(status, headers, body) => (status, headers, ReplyBody::Whole(Some(body))),
            Reply::Endless => (StatusCode::OK, Vec::new(), ReplyBody::Endless),
            Reply::Stalled => (StatusCode::OK, Vec::new(), ReplyBody::Stalled(Some("{".into()))),
            Reply::Reset => return Err("told to end the connection".into()),
        };
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(name, value);
        }
        Ok(response.body(body)?)
    }
}

enum ReplyBody {
    Whole(Option<Bytes>),
    Endless,
    Stalled(Option<Bytes>),
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = match &mut *self {
            ReplyBody::Whole(data) => data.take(),
            ReplyBody::Endless => Some(Bytes::from_static(&[b' '; 16 * 1024])),
            ReplyBody::Stalled(data) => match data.take() {
                Some(data) => Some(data),
                // Nobody wakes it.
                None => return Poll::Pending,
            },
        };
        Poll::Ready(data.map(|data| Ok(Frame::data(data))))
    }
}
