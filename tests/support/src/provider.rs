//! A fake identity provider on loopback: it records requests, and misbehaves on demand.

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

use crate::within;

/// A request that the provider received.
#[derive(Clone, Debug)]
pub struct Received {
    /// The path.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, which is a form.
    pub form: HashMap<String, String>,
}

/// How the provider replies to a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Replies 200 with this text.
    Json(String),
    /// Replies with this status, these headers and this body.
    Whole(StatusCode, Vec<(&'static str, String)>, Bytes),
    /// Replies 200 with an endless body.
    Endless,
    /// Replies 200 and stalls after the first byte of the body.
    Stalled,
    /// Closes the connection without a reply.
    Reset,
}

impl Reply {
    /// Replies with this status, no headers and an empty body.
    ///
    /// # Panics
    /// When `code` is no HTTP status.
    #[allow(clippy::expect_used, reason = "a test fixture")]
    pub fn status(code: u16) -> Reply {
        let status = StatusCode::from_u16(code).expect("a status");
        Reply::Whole(status, Vec::new(), Bytes::new())
    }

    /// Redirects the client to `location`.
    pub fn redirect(location: String) -> Reply {
        Reply::Whole(StatusCode::FOUND, vec![("location", location)], Bytes::new())
    }
}

type Handler = Arc<dyn Fn(&Received) -> Reply + Send + Sync>;

#[derive(Default)]
struct State {
    handlers: HashMap<String, Handler>,
    received: Vec<Received>,
}

/// The provider. It stops when dropped.
pub struct Provider {
    addr: SocketAddr,
    scheme: &'static str,
    state: Arc<Mutex<State>>,
    requests: watch::Sender<usize>,
    open: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl Provider {
    /// Starts a provider over plain http. It replies 404 to paths without a reply.
    pub async fn start() -> Provider {
        Provider::start_with("http", None).await
    }

    /// Starts a provider over TLS.
    pub async fn start_tls(tls: TlsAcceptor) -> Provider {
        Provider::start_with("https", Some(tls)).await
    }

    async fn start_with(scheme: &'static str, tls: Option<TlsAcceptor>) -> Provider {
        let (requests, open) = (watch::Sender::new(0), watch::Sender::new(true));
        let state = Arc::default();
        let addr = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut provider = Provider { addr, scheme, state, requests, open, task: None };
        provider.listen(tls).await;
        provider
    }

    #[allow(clippy::expect_used, reason = "a test fixture")]
    async fn listen(&mut self, tls: Option<TlsAcceptor>) {
        let listener = TcpListener::bind(self.addr).await.expect("a port on loopback");
        self.addr = listener.local_addr().expect("a bound listener has an address");
        let (state, requests, open) =
            (Arc::clone(&self.state), self.requests.clone(), self.open.clone());
        self.task = Some(tokio::spawn(async move {
            // Dropping the set with this task closes the connections.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let connection = Connection {
                    state: Arc::clone(&state),
                    requests: requests.clone(),
                    open: open.subscribe(),
                };
                let tls = tls.clone();
                connections.spawn(async move {
                    match tls {
                        None => connection.serve(stream).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                connection.serve(stream).await;
                            }
                        }
                    }
                });
            }
        }));
    }

    /// Closes the port and every connection.
    pub async fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            let _ = task.await;
        }
    }

    /// Restarts the provider on the same port, over plain http.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.listen(None).await;
    }

    /// The URL of `path`.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.addr)
    }

    /// Sets the reply to requests of `path`.
    pub fn reply(&self, path: &str, reply: Reply) {
        self.reply_by(path, move |_| reply.clone());
    }

    /// Sets the function that makes the reply to requests of `path`.
    pub fn reply_by(
        &self,
        path: &str,
        handler: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) {
        lock(&self.state).handlers.insert(path.to_owned(), Arc::new(handler));
    }

    /// Holds the replies from now on. Requests are still counted.
    pub fn hold(&self) {
        self.open.send_replace(false);
    }

    /// Sends the held replies, and holds none from now on.
    pub fn release(&self) {
        self.open.send_replace(true);
    }

    /// The number of requests received.
    pub fn request_count(&self) -> usize {
        *self.requests.borrow()
    }

    /// Waits until at least `count` requests were received.
    ///
    /// # Panics
    /// When they don't come within [`LIMIT`](crate::LIMIT).
    pub async fn wait_for_requests(&self, count: usize) {
        let mut requests = self.requests.subscribe();
        let enough = requests.wait_for(|requests| *requests >= count);
        let _ = within(&format!("request {count}"), enough).await;
    }

    /// Drops the recorded requests, for tests whose requests are too many to keep.
    pub fn clear_received(&self) {
        lock(&self.state).received.clear();
    }

    /// The recorded requests, in their order.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.state).received.clone()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One connection of a client.
struct Connection {
    state: Arc<Mutex<State>>,
    requests: watch::Sender<usize>,
    open: watch::Receiver<bool>,
}

impl Connection {
    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let service = service_fn(|request| self.reply(request));
        // `Reply::Reset` ends it with an error.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    async fn reply(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<ReplyBody>, Box<dyn std::error::Error + Send + Sync>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let form = url::form_urlencoded::parse(&body).into_owned().collect();
        let received = Received { path: head.uri.path().to_owned(), headers: head.headers, form };
        let handler = {
            let mut state = lock(&self.state);
            state.received.push(received.clone());
            state.handlers.get(&received.path).cloned()
        };
        self.requests.send_modify(|requests| *requests += 1);
        self.open.clone().wait_for(|open| *open).await?;
        let reply = handler.map_or_else(|| Reply::status(404), |handler| handler(&received));
        let (status, headers, body) = match reply {
            Reply::Json(text) => (StatusCode::OK, Vec::new(), ReplyBody::Whole(Some(text.into()))),
            Reply::Whole(status, headers, body) => (status, headers, ReplyBody::Whole(Some(body))),
            Reply::Endless => (StatusCode::OK, Vec::new(), ReplyBody::Endless),
            Reply::Stalled => (StatusCode::OK, Vec::new(), ReplyBody::Stalled(Some("{".into()))),
            Reply::Reset => return Err("the reply resets the connection".into()),
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
                // The stalled body stays pending forever, so no waker is kept.
                None => return Poll::Pending,
            },
        };
        Poll::Ready(data.map(|data| Ok(Frame::data(data))))
    }
}
