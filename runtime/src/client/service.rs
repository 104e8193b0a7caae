//! The service that attaches call credentials.
//!
//! Nearly all calls end with the first attempt, so the first attempt must be cheap: its future is stored
//! unboxed in the response future, and only those parts of the request are kept that a retry needs. Boxed
//! futures do the rest: they wait for a token, and they handle rejections.

use std::{
    fmt,
    future::ready,
    sync::Arc,
    task::{Context, Poll},
};

use http::{HeaderMap, HeaderName, Request, Response, header::AUTHORIZATION};
use tonic::body::Body;
use tower_service::Service;

use super::{
    cache::Lookup,
    call_credentials::CallCredentials,
    channel_state::{BoxError, ChannelState},
    deadline::Deadline,
    error::CallError,
    future::ResponseFuture,
    options::{CallOptions, CredentialChoice},
    response::is_unauthenticated,
    retry::RetryState,
};

/// A gRPC client service that attaches call credentials to its calls.
///
/// Use it like a channel: pass it to the `new` of a generated client.
#[derive(Clone)]
pub struct CallCredentialsService<S> {
    inner: S,
    shared: Arc<ChannelState<S>>,
}

impl<S: Clone> CallCredentialsService<S> {
    pub(super) fn new(inner: S, credentials: CallCredentials) -> Self {
        let shared = Arc::new(ChannelState::new(inner.clone(), credentials));
        CallCredentialsService { inner, shared }
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
        match apply_options(&options, credentials.cache.header(), request.headers_mut()) {
            Ok(Attachment::Done) => {
                return ResponseFuture::first_attempt(self.inner.call(request), None);
            }
            Ok(Attachment::FromCache) => {}
            Err(error) => return ResponseFuture::boxed(Box::pin(ready(Err(error.into())))),
        }
        let limit = (!options.no_retry).then_some(credentials.replay_limit);
        let deadline = Deadline::from_headers(request.headers());
        if let Lookup::Ready(credential) = credentials.cache.lookup() {
            let shared = Arc::clone(&self.shared);
            let retry = RetryState::new(&mut request, shared, credential, deadline, limit);
            // tower's contract: call the service that was polled ready.
            return ResponseFuture::first_attempt(self.inner.call(request), Some(retry));
        }
        // A ready service may hold a permit, of a concurrency limit for example. The clone releases it while
        // this call waits, so that other calls can use it: the token source may use the same channel.
        self.inner = self.inner.clone();
        let shared = Arc::clone(&self.shared);
        ResponseFuture::boxed(Box::pin(async move {
            let (mut service, credential) = shared.wait_for_credential(deadline).await?;
            deadline.write_to(request.headers_mut());
            let retry = RetryState::new(&mut request, shared, credential, deadline, limit);
            let response = service.call(request).await.map_err(Into::into)?;
            if is_unauthenticated(&response) {
                retry.after_rejection(response).await
            } else {
                Ok(response)
            }
        }))
    }
}

/// The state of a request after its options were applied.
enum Attachment {
    /// The request has all credentials that it is sent with.
    Done,
    /// The channel's credential is still to be attached.
    FromCache,
}

/// Applies the options of one call to its headers; `header` is that of the channel's credentials.
fn apply_options(
    options: &CallOptions,
    header: &HeaderName,
    headers: &mut HeaderMap,
) -> Result<Attachment, CallError> {
    match &options.credentials {
        CredentialChoice::None => {
            for (name, value) in headers {
                if *name == AUTHORIZATION || name == header {
                    value.set_sensitive(true);
                }
            }
            Ok(Attachment::Done)
        }
        CredentialChoice::Custom(credential) => {
            check_conflict(credential.header(), headers)?;
            credential.attach(headers);
            Ok(Attachment::Done)
        }
        CredentialChoice::Channel => {
            check_conflict(header, headers)?;
            Ok(Attachment::FromCache)
        }
        CredentialChoice::ReplaceWithChannel => {
            // Attaching the credential replaces a value of `header` itself.
            headers.remove(AUTHORIZATION);
            Ok(Attachment::FromCache)
        }
    }
}

/// Rejects a request that already has credentials: they may be of another identity than the channel's.
fn check_conflict(header: &HeaderName, headers: &HeaderMap) -> Result<(), CallError> {
    if headers.contains_key(AUTHORIZATION) {
        return Err(CallError::conflicting_credentials(&AUTHORIZATION));
    }
    if *header != AUTHORIZATION && headers.contains_key(header) {
        return Err(CallError::conflicting_credentials(header));
    }
    Ok(())
}
