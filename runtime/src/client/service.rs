//! The layer, its service, and the course of one call.

use std::{
    fmt,
    future::{poll_fn, ready},
    pin::Pin,
    task::{Context, Poll},
};

use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response, header::AUTHORIZATION, request::Parts,
};
use tokio::time::{Instant, sleep_until};
use tonic::body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::{
    CallCredentials,
    cache::{Look, Renewal},
    credential::Credential,
    deadline::Deadline,
    error::CallError,
    options::{CallOptions, Which},
    refusal::{self, Answer, Pushback},
    replay::{self, Recorder},
};

const PREVIOUS_ATTEMPTS: HeaderName = HeaderName::from_static("grpc-previous-rpc-attempts");

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Attaches call credentials to whatever service it is laid over.
///
/// [`CallCredentials::dangerously_layer`] makes it. It doesn't see what the service below speaks: over
/// plaintext the credentials are there for everyone to read.
#[derive(Clone)]
pub struct CallCredentialsLayer {
    pub(super) credentials: CallCredentials,
}

impl<S> Layer<S> for CallCredentialsLayer {
    type Service = CallCredentialsService<S>;

    fn layer(&self, inner: S) -> CallCredentialsService<S> {
        CallCredentialsService { inner, credentials: self.credentials.clone() }
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
    pub(super) inner: S,
    pub(super) credentials: CallCredentials,
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
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let options = request.extensions_mut().remove::<CallOptions>().unwrap_or_default();
        match self.prepare(&options, request.headers_mut()) {
            Ok(Attached::ForGood) => {
                let sent = self.inner.call(request);
                return Box::pin(async move { sent.await.map_err(Into::into) });
            }
            Ok(Attached::NotYet) => {}
            Err(error) => return Box::pin(ready(Err(error.into()))),
        }
        let limit = (!options.no_retry).then_some(self.credentials.replay_limit);
        let deadline = Deadline::of(request.headers());
        if let Look::Ready(credential) = self.credentials.cache.look() {
            let (request, kept) = Kept::of(request, credential, deadline, limit);
            // The service that was polled ready is the one to call; its clone is for a retry.
            let sent = self.inner.call(request);
            let call = self.to_call();
            return Box::pin(
                async move { call.finish(sent.await.map_err(Into::into)?, kept).await },
            );
        }
        // A service that is ready may hold one of a few places. Others get it while this call waits:
        // among them a source that asks over the same channel.
        self.inner = self.inner.clone();
        let mut call = self.to_call();
        Box::pin(async move {
            let credential = call.obtain(request.headers_mut(), deadline).await?;
            let (request, kept) = Kept::of(request, credential, deadline, limit);
            let response = call.send(request).await?;
            call.finish(response, kept).await
        })
    }
}

/// Whether a call has all that it will ever carry.
enum Attached {
    ForGood,
    /// It is to carry what the source gives.
    NotYet,
}

impl<S: Clone> CallCredentialsService<S> {
    /// Does what the call's options say.
    fn prepare(
        &self,
        options: &CallOptions,
        headers: &mut HeaderMap,
    ) -> Result<Attached, CallError> {
        let header = self.credentials.cache.header();
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

    fn to_call(&self) -> Call<S> {
        Call { service: self.inner.clone(), credentials: self.credentials.clone() }
    }
}

/// What is kept of a call while its first attempt is on its way.
struct Kept {
    /// Its head, without the credential.
    parts: Parts,
    /// Its body, where it may be sent again.
    recorder: Option<Recorder>,
    credential: Credential,
    deadline: Deadline,
}

impl Kept {
    /// The first attempt, with its credential, and what is kept of it.
    fn of(
        request: Request<Body>,
        credential: Credential,
        deadline: Deadline,
        limit: Option<usize>,
    ) -> (Request<Body>, Self) {
        let (mut parts, mut body) = request.into_parts();
        let mut kept = Kept { parts: parts.clone(), recorder: None, credential, deadline };
        if let Some(limit) = limit {
            let (recorded, recorder) = replay::record(body, limit);
            (body, kept.recorder) = (recorded, Some(recorder));
        }
        kept.credential.attach(&mut parts.headers);
        (Request::from_parts(parts, body), kept)
    }
}

/// One call, of one attempt or two.
struct Call<S> {
    service: S,
    credentials: CallCredentials,
}

impl<S, R> Call<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    R: http_body::Body + Send + 'static,
{
    /// Hands on the answer to the first attempt, or makes a second one where that may help.
    async fn finish(mut self, response: Response<R>, kept: Kept) -> Result<Response<R>, BoxError> {
        let Kept { parts: mut again, recorder, credential, deadline } = kept;
        let Answer::Refused { named, pushback } = refusal::read(&response, &again.uri) else {
            if let Some(recorder) = recorder {
                recorder.commit();
            }
            return Ok(response);
        };
        let received = Instant::now();
        let cache = &self.credentials.cache;
        // Also where this call isn't tried again: the next one needs a token that is good.
        let renewing = cache.refused(&credential, self.credentials.refusal_interval);
        let (Some(recorder), Pushback::After(pause)) = (recorder, pushback) else {
            return Ok(response);
        };
        let due = received + pause;
        let may_have_run = self.credentials.strict_retries && !named;
        if may_have_run || !recorder.stop() || !deadline.leaves_time_at(due) {
            return Ok(response);
        }
        let refused = refusal::status(response.headers());
        let renewal = deadline.bound(cache.renewed(renewing, &credential)).await;
        let newer = match renewal {
            Some(Renewal::Newer(newer)) => newer,
            Some(Renewal::NothingNewer) => return Err(CallError::nothing_newer(refused).into()),
            Some(Renewal::Failed(error)) => {
                return Err(CallError::not_renewed(refused, error).into());
            }
            None => return Ok(response),
        };
        if due > Instant::now() {
            sleep_until(due).await;
        }
        match deadline.bound(self.ready()).await {
            Some(ready) if deadline.leaves_time_at(Instant::now()) => ready?,
            _ => return Ok(response),
        }
        drop(response);

        newer.attach(&mut again.headers);
        count_attempt(&mut again.headers);
        deadline.tell(&mut again.headers);
        let uri = again.uri.clone();
        let response = self.send(Request::from_parts(again, recorder.replay())).await?;
        match refusal::read(&response, &uri) {
            Answer::Refused { .. } => {
                let refused = refusal::status(response.headers());
                Err(CallError::refused_again(refused).into())
            }
            Answer::Other | Answer::NotCurable => Ok(response),
        }
    }

    /// The credential that comes before the deadline.
    async fn obtain(
        &mut self,
        headers: &mut HeaderMap,
        deadline: Deadline,
    ) -> Result<Credential, BoxError> {
        let late = CallError::deadline_exceeded;
        let outcome = deadline.bound(self.credentials.cache.credential()).await.ok_or_else(late)?;
        let credential = outcome.map_err(CallError::no_token)?;
        deadline.bound(self.ready()).await.ok_or_else(late)??;
        deadline.tell(headers);
        Ok(credential)
    }

    async fn ready(&mut self) -> Result<(), BoxError> {
        poll_fn(|cx| self.service.poll_ready(cx)).await.map_err(Into::into)
    }

    async fn send(&mut self, request: Request<Body>) -> Result<Response<R>, BoxError> {
        self.service.call(request).await.map_err(Into::into)
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
