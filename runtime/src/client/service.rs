//! The layer, its service, and the course of one call.

use std::{
    fmt,
    future::poll_fn,
    mem,
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
    replay,
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
    S::Future: Send,
    R: http_body::Body + Send + 'static,
{
    type Response = Response<R>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The service that was polled ready is the one to call; its clone may not be ready.
        let clone = self.inner.clone();
        let ready = mem::replace(&mut self.inner, clone);
        let call = Call { service: ready, credentials: self.credentials.clone() };
        Box::pin(call.run(request))
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
    async fn run(mut self, request: Request<Body>) -> Result<Response<R>, BoxError> {
        let (mut parts, body) = request.into_parts();
        let options = parts.extensions.remove::<CallOptions>().unwrap_or_default();
        let header = match &options.which {
            Which::Other(credential) => credential.header(),
            _ => self.credentials.cache.header(),
        };
        match &options.which {
            Which::None => {
                for (name, value) in &mut parts.headers {
                    if *name == AUTHORIZATION || name == header {
                        value.set_sensitive(true);
                    }
                }
                self.send(Request::from_parts(parts, body)).await
            }
            Which::Other(credential) => {
                refuse_own(header, &parts.headers)?;
                credential.attach(&mut parts.headers);
                self.send(Request::from_parts(parts, body)).await
            }
            Which::Channel => {
                refuse_own(header, &parts.headers)?;
                self.attempts(parts, body, !options.no_retry).await
            }
            Which::ChannelWins => {
                // What stands under the header itself is replaced below.
                parts.headers.remove(AUTHORIZATION);
                self.attempts(parts, body, !options.no_retry).await
            }
        }
    }

    /// The call with the channel's credential, and once more with a newer one where that may help.
    async fn attempts(
        &mut self,
        mut parts: Parts,
        mut body: Body,
        retry: bool,
    ) -> Result<Response<R>, BoxError> {
        let deadline = Deadline::of(&parts.headers);
        let credential = self.obtain(&mut parts.headers, deadline).await?;
        let mut again = parts.clone();
        let mut recorder = None;
        if retry {
            let (recorded, handle) = replay::record(body, self.credentials.replay_limit);
            (body, recorder) = (recorded, Some(handle));
        }
        credential.attach(&mut parts.headers);
        let response = self.send(Request::from_parts(parts, body)).await?;

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

    /// The credential that there is, or the one that comes before the deadline.
    async fn obtain(
        &mut self,
        headers: &mut HeaderMap,
        deadline: Deadline,
    ) -> Result<Credential, BoxError> {
        if let Look::Ready(credential) = self.credentials.cache.look() {
            return Ok(credential);
        }
        // A service that is ready may hold one of a few places. Others get it while this call waits:
        // among them a source that asks over the same channel.
        self.service = self.service.clone();
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
