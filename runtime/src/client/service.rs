//! The layer, its service, and the course of one call.
//!
//! Nearly all calls end with their first attempt, so that one costs as little as it can: its future lies in
//! the response's, unboxed, and of the request no more is kept than a second attempt needs. Whatever comes
//! after a refusal, or waits for a token, is in a box of its own.

use std::{
    fmt,
    future::{poll_fn, ready},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{self, Context, Poll},
};

use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, Version,
    header::AUTHORIZATION,
};
use pin_project_lite::pin_project;
use tokio::time::{Instant, sleep_until};
use tonic::{GrpcMethod, body::Body};
use tower_layer::Layer;
use tower_service::Service;

use super::{
    CallCredentials,
    cache::{Lookup, Renewal},
    credential::Credential,
    deadline::Deadline,
    error::CallError,
    options::{CallOptions, Which},
    refusal::{self, Answer, Pushback},
    replay::{self, Recorder},
};

const PREVIOUS_ATTEMPTS: HeaderName = HeaderName::from_static("grpc-previous-rpc-attempts");

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// Attaches call credentials to whatever service it is laid over.
///
/// [`CallCredentials::dangerously_layer`] makes it. It doesn't see what the service below speaks: over
/// plaintext the credentials are there for everyone to read.
#[derive(Clone)]
pub struct CallCredentialsLayer {
    pub(super) credentials: CallCredentials,
}

impl<S: Clone> Layer<S> for CallCredentialsLayer {
    type Service = CallCredentialsService<S>;

    fn layer(&self, inner: S) -> CallCredentialsService<S> {
        CallCredentialsService::new(inner, self.credentials.clone())
    }
}

impl fmt::Debug for CallCredentialsLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallCredentialsLayer")
    }
}

/// A gRPC client service whose calls carry credentials. A generated client is made of it as of a
/// channel.
#[derive(Clone)]
pub struct CallCredentialsService<S> {
    inner: S,
    shared: Arc<Shared<S>>,
}

/// What all calls of a service share.
struct Shared<S> {
    credentials: CallCredentials,
    /// What a second attempt is made with, or one that had to wait. A clone of a channel for each call
    /// would cost more than the rest of what is done here.
    spare: Mutex<S>,
}

impl<S: Clone> CallCredentialsService<S> {
    pub(super) fn new(inner: S, credentials: CallCredentials) -> Self {
        let spare = Mutex::new(inner.clone());
        CallCredentialsService { inner, shared: Arc::new(Shared { credentials, spare }) }
    }
}

impl<S: fmt::Debug> fmt::Debug for CallCredentialsService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallCredentialsService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, R> Service<Request<Body>> for CallCredentialsService<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    R: http_body::Body + Send + 'static,
{
    type Response = Response<R>;
    type Error = BoxError;
    type Future = ResponseFuture<S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<Body>) -> ResponseFuture<S> {
        let options = request.extensions_mut().remove::<CallOptions>().unwrap_or_default();
        let credentials = &self.shared.credentials;
        match prepare(&options, credentials.cache.header(), request.headers_mut()) {
            Ok(Attached::ForGood) => return ResponseFuture::first(self.inner.call(request), None),
            Ok(Attached::NotYet) => {}
            Err(error) => return ResponseFuture::later(Box::pin(ready(Err(error.into())))),
        }
        let limit = (!options.no_retry).then_some(credentials.replay_limit);
        let deadline = Deadline::of(request.headers());
        if let Lookup::Ready(credential) = credentials.cache.lookup() {
            let shared = Arc::clone(&self.shared);
            let kept = Kept::of(&mut request, shared, credential, deadline, limit);
            // The service that was polled ready is the one to call.
            return ResponseFuture::first(self.inner.call(request), Some(kept));
        }
        // A service that is ready may hold one of a few places. Others get it while this call waits:
        // among them a source that asks over the same channel.
        self.inner = self.inner.clone();
        let shared = Arc::clone(&self.shared);
        ResponseFuture::later(Box::pin(async move {
            let (mut service, credential) = shared.obtain(deadline).await?;
            deadline.tell(request.headers_mut());
            let kept = Kept::of(&mut request, shared, credential, deadline, limit);
            let response = service.call(request).await.map_err(Into::into)?;
            if refusal::is_unauthenticated(&response) {
                kept.after_refusal(response).await
            } else {
                Ok(response)
            }
        }))
    }
}

pin_project! {
    /// The future of a call that carries credentials.
    #[must_use = "futures do nothing unless they are polled"]
    pub struct ResponseFuture<S>
    where
        S: Service<Request<Body>>,
    {
        #[pin]
        state: State<S>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S>
    where
        S: Service<Request<Body>>,
    {
        First {
            #[pin]
            attempt: S::Future,
            kept: Option<Box<Kept<S>>>,
        },
        /// It waits for a token, or has been refused.
        Later { course: BoxFuture<S::Response> },
    }
}

impl<S: Service<Request<Body>>> ResponseFuture<S> {
    fn first(attempt: S::Future, kept: Option<Box<Kept<S>>>) -> Self {
        ResponseFuture { state: State::First { attempt, kept } }
    }

    fn later(course: BoxFuture<S::Response>) -> Self {
        ResponseFuture { state: State::Later { course } }
    }
}

impl<S, R> Future for ResponseFuture<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    R: http_body::Body + Send + 'static,
{
    type Output = Result<Response<R>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let (kept, response) = match state.as_mut().project() {
                StateProj::Later { course } => return course.as_mut().poll(cx),
                StateProj::First { attempt, kept } => {
                    let response = task::ready!(attempt.poll(cx)).map_err(Into::into)?;
                    match kept.take_if(|_| refusal::is_unauthenticated(&response)) {
                        Some(kept) => (kept, response),
                        None => {
                            // The call goes on, and nothing of it is kept any more.
                            *kept = None;
                            return Poll::Ready(Ok(response));
                        }
                    }
                }
            };
            state.set(State::Later { course: Box::pin(kept.after_refusal(response)) });
        }
    }
}

impl<S: Service<Request<Body>>> fmt::Debug for ResponseFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture")
    }
}

/// Whether a call has all that it will ever carry.
enum Attached {
    ForGood,
    /// It is to carry what the source gives.
    NotYet,
}

/// Does what the call's options say; `header` is that of the channel's credentials.
fn prepare(
    options: &CallOptions,
    header: &HeaderName,
    headers: &mut HeaderMap,
) -> Result<Attached, CallError> {
    match &options.which {
        Which::None => {
            for (name, value) in headers {
                if *name == AUTHORIZATION || name == header {
                    value.set_sensitive(true);
                }
            }
            Ok(Attached::ForGood)
        }
        Which::Other(credential) => {
            refuse_own(credential.header(), headers)?;
            credential.attach(headers);
            Ok(Attached::ForGood)
        }
        Which::Channel => {
            refuse_own(header, headers)?;
            Ok(Attached::NotYet)
        }
        Which::ChannelWins => {
            // What stands under the header itself is replaced below.
            headers.remove(AUTHORIZATION);
            Ok(Attached::NotYet)
        }
    }
}

impl<S> Shared<S>
where
    S: Service<Request<Body>> + Clone,
    S::Error: Into<BoxError>,
{
    /// A service that isn't ready yet.
    fn spare(&self) -> S {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The credential that comes before the deadline, and a service that is ready.
    async fn obtain(&self, deadline: Deadline) -> Result<(S, Credential), BoxError> {
        let late = CallError::deadline_exceeded;
        let outcome = deadline.bound(self.credentials.cache.credential()).await.ok_or_else(late)?;
        let credential = outcome.map_err(CallError::no_token)?;
        let mut service = self.spare();
        deadline.bound(until_ready(&mut service)).await.ok_or_else(late)??;
        Ok((service, credential))
    }
}

async fn until_ready<S>(service: &mut S) -> Result<(), BoxError>
where
    S: Service<Request<Body>>,
    S::Error: Into<BoxError>,
{
    poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into)
}

/// What is kept of a call while its first attempt is on its way.
struct Kept<S> {
    shared: Arc<Shared<S>>,
    /// Without the credential.
    head: Head,
    /// Of its body, where it may be sent again.
    recorder: Option<Recorder>,
    credential: Credential,
    deadline: Deadline,
}

impl<S> Kept<S> {
    /// Makes `request` the first attempt, with its credential.
    fn of(
        request: &mut Request<Body>,
        shared: Arc<Shared<S>>,
        credential: Credential,
        deadline: Deadline,
        limit: Option<usize>,
    ) -> Box<Self> {
        let recorder = limit.and_then(|limit| replay::record(request.body_mut(), limit));
        let kept = Kept { shared, head: Head::of(request), recorder, credential, deadline };
        // In a box: a future is moved several times before it is polled.
        let kept = Box::new(kept);
        kept.credential.attach(request.headers_mut());
        kept
    }
}

impl<S, R> Kept<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    R: http_body::Body + Send + 'static,
{
    /// Hands on the answer to the first attempt, or makes a second one where that may help.
    async fn after_refusal(
        self: Box<Self>,
        response: Response<R>,
    ) -> Result<Response<R>, BoxError> {
        let Kept { shared, head, recorder, credential, deadline } = *self;
        let Answer::Refused { named, pushback } = refusal::read(&response, &head.uri) else {
            return Ok(response);
        };
        let received = Instant::now();
        let CallCredentials { cache, refusal_interval, strict_retries, .. } = &shared.credentials;
        // Also where this call isn't tried again: the next one needs a token that is good.
        let renewing = cache.reject(&credential, *refusal_interval);
        let (Some(recorder), Pushback::After(pause)) = (recorder, pushback) else {
            return Ok(response);
        };
        let due = received + pause;
        let may_have_run = *strict_retries && !named;
        if may_have_run || !recorder.stop() || !deadline.leaves_time_at(due) {
            return Ok(response);
        }
        let refused = refusal::status(response.headers());
        let renewal = deadline.bound(cache.renewal(renewing, &credential)).await;
        let mut newer = match renewal {
            Some(Renewal::Newer(newer)) => newer,
            Some(Renewal::NothingNewer) => return Err(CallError::nothing_newer(refused).into()),
            Some(Renewal::Failed(error)) => {
                return Err(CallError::not_renewed(refused, error).into());
            }
            None => return Ok(response),
        };
        if due > Instant::now() {
            sleep_until(due).await;
            // Its life may have ended meanwhile.
            if let Some(Ok(newest)) = deadline.bound(cache.credential()).await
                && !newest.is_same(&credential)
            {
                newer = newest;
            }
        }
        let mut service = shared.spare();
        match deadline.bound(until_ready(&mut service)).await {
            Some(ready) if deadline.leaves_time_at(Instant::now()) => ready?,
            _ => return Ok(response),
        }
        drop(response);

        let uri = head.uri.clone();
        let mut again = head.request(recorder.replay());
        newer.attach(again.headers_mut());
        count_attempt(again.headers_mut());
        deadline.tell(again.headers_mut());
        let response = service.call(again).await.map_err(Into::into)?;
        match refusal::read(&response, &uri) {
            Answer::Refused { .. } => {
                let refused = refusal::status(response.headers());
                Err(CallError::refused_again(refused).into())
            }
            Answer::Other | Answer::NotCurable => Ok(response),
        }
    }
}

/// A request's head, kept in one allocation: that of its headers.
struct Head {
    method: Method,
    uri: Uri,
    version: Version,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The one extension that a generated client leaves.
    rpc: Option<GrpcMethod<'static>>,
    /// All of them, if there are others.
    extensions: Extensions,
}

impl Head {
    fn of(request: &Request<Body>) -> Self {
        let mut headers = Vec::with_capacity(request.headers().len());
        for (name, value) in request.headers() {
            headers.push((name.clone(), value.clone()));
        }
        let rpc = request.extensions().get::<GrpcMethod<'static>>().cloned();
        let alone = request.extensions().len() == usize::from(rpc.is_some());
        Head {
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            headers,
            rpc,
            extensions: if alone { Extensions::new() } else { request.extensions().clone() },
        }
    }

    /// The request once more, with this body.
    fn request(self, body: Body) -> Request<Body> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.version_mut() = self.version;
        request.headers_mut().extend(self.headers);
        *request.extensions_mut() = self.extensions;
        if let Some(rpc) = self.rpc {
            request.extensions_mut().insert(rpc);
        }
        request
    }
}

/// A request that says itself who makes the call would go out as somebody else's.
fn refuse_own(header: &HeaderName, headers: &HeaderMap) -> Result<(), CallError> {
    if headers.contains_key(AUTHORIZATION) {
        return Err(CallError::own_credentials(&AUTHORIZATION));
    }
    if *header != AUTHORIZATION && headers.contains_key(header) {
        return Err(CallError::own_credentials(header));
    }
    Ok(())
}

/// How many attempts came before this one (gRPC's A6).
fn count_attempt(headers: &mut HeaderMap) {
    let before =
        headers.get(&PREVIOUS_ATTEMPTS).and_then(|value| value.to_str().ok()?.parse().ok());
    let attempts = before.unwrap_or(0_u32).saturating_add(1);
    headers.insert(PREVIOUS_ATTEMPTS, HeaderValue::from(attempts));
}
