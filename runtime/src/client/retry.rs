//! The retry of a rejected call.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use tokio::time::{Instant, sleep_until};
use tonic::body::Body;
use tower_service::Service;

use super::{
    cache::Renewal,
    call_credentials::CallCredentials,
    channel_state::{BoxError, ChannelState, until_ready},
    credential::Credential,
    deadline::Deadline,
    error::CallError,
    replay::{self, Recorder},
    request_head::RequestHead,
    response::{self, Classification, Pushback},
};

const PREVIOUS_ATTEMPTS: HeaderName = HeaderName::from_static("grpc-previous-rpc-attempts");

/// What a retry needs from the first attempt.
pub(super) struct RetryState<S> {
    shared: Arc<ChannelState<S>>,
    /// Without the credential.
    head: RequestHead,
    /// `None` if the call may not be retried.
    recorder: Option<Recorder>,
    /// The credential of the first attempt.
    credential: Credential,
    deadline: Deadline,
}

impl<S> RetryState<S> {
    /// Attaches `credential` to `request`, and records up to `limit` bytes of its body for a retry.
    ///
    /// Without a limit the call isn't retried.
    pub(super) fn new(
        request: &mut Request<Body>,
        shared: Arc<ChannelState<S>>,
        credential: Credential,
        deadline: Deadline,
        limit: Option<usize>,
    ) -> Box<Self> {
        let recorder = limit.and_then(|limit| replay::record(request.body_mut(), limit));
        let head = RequestHead::from_request(request);
        let state = RetryState { shared, head, recorder, credential, deadline };
        // Boxed because a future is moved several times before its first poll.
        let state = Box::new(state);
        state.credential.attach(request.headers_mut());
        state
    }
}

impl<S, R> RetryState<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    R: http_body::Body + Send + 'static,
{
    /// Retries the call if a newer credential may help; otherwise returns the first response.
    pub(super) async fn after_rejection(
        self: Box<Self>,
        response: Response<R>,
    ) -> Result<Response<R>, BoxError> {
        let RetryState { shared, head, recorder, credential, deadline } = *self;
        let Classification::CredentialRejected { names_call, pushback } =
            response::classify(&response, &head.uri)
        else {
            return Ok(response);
        };
        let received = Instant::now();
        let CallCredentials { cache, refresh_cooldown, strict_retries, .. } = &shared.credentials;
        // Also for a call that isn't retried: the next call needs a valid token.
        let renewing = cache.reject(&credential, *refresh_cooldown);
        let (Some(recorder), Pushback::After(delay)) = (recorder, pushback) else {
            return Ok(response);
        };
        let retry_at = received + delay;
        let may_have_run = *strict_retries && !names_call;
        if may_have_run || !recorder.stop() || !deadline.leaves_time_at(retry_at) {
            return Ok(response);
        }
        let rejection = response::rejection_status(response.headers());
        let renewal = deadline.bound(cache.renewal(renewing, &credential)).await;
        let mut newer = match renewal {
            Some(Renewal::Newer(newer)) => newer,
            Some(Renewal::NoNewerToken) => return Err(CallError::no_newer_token(rejection).into()),
            Some(Renewal::Failed(error)) => {
                return Err(CallError::refresh_failed(rejection, error).into());
            }
            None => return Ok(response),
        };
        if retry_at > Instant::now() {
            sleep_until(retry_at).await;
            // The token may have expired during the delay.
            if let Some(Ok(newest)) = deadline.bound(cache.credential()).await
                && !newest.is_same(&credential)
            {
                newer = newest;
            }
        }
        let mut service = shared.clone_service();
        match deadline.bound(until_ready(&mut service)).await {
            Some(ready) if deadline.leaves_time_at(Instant::now()) => ready?,
            _ => return Ok(response),
        }
        drop(response);

        let uri = head.uri.clone();
        let mut request = head.into_request(recorder.replay());
        newer.attach(request.headers_mut());
        count_attempt(request.headers_mut());
        deadline.write_to(request.headers_mut());
        let response = service.call(request).await.map_err(Into::into)?;
        match response::classify(&response, &uri) {
            Classification::CredentialRejected { .. } => {
                let rejection = response::rejection_status(response.headers());
                Err(CallError::rejected_again(rejection).into())
            }
            Classification::Other | Classification::NotRetryable => Ok(response),
        }
    }
}

/// Increments the number of previous attempts (gRFC A6).
fn count_attempt(headers: &mut HeaderMap) {
    let before =
        headers.get(&PREVIOUS_ATTEMPTS).and_then(|value| value.to_str().ok()?.parse().ok());
    let attempts = before.unwrap_or(0_u32).saturating_add(1);
    headers.insert(PREVIOUS_ATTEMPTS, HeaderValue::from(attempts));
}
