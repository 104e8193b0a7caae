//! The state that all clones of a service, and their calls, share.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Mutex, PoisonError},
};

use http::Request;
use tonic::body::Body;
use tower_service::Service;

use super::{
    call_credentials::CallCredentials, credential::Credential, deadline::Deadline, error::CallError,
};

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub(super) type BoxFuture<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// The state that all clones of a service share.
pub(super) struct ChannelState<S> {
    pub(super) credentials: CallCredentials,
    /// The inner service that retries and delayed calls clone. To clone a channel for each call would cost
    /// more than everything else that this client does for the call.
    template: Mutex<S>,
}

impl<S> ChannelState<S> {
    pub(super) fn new(inner: S, credentials: CallCredentials) -> Self {
        ChannelState { credentials, template: Mutex::new(inner) }
    }
}

impl<S> ChannelState<S>
where
    S: Service<Request<Body>> + Clone,
    S::Error: Into<BoxError>,
{
    /// Returns a clone of the inner service, which isn't ready yet.
    pub(super) fn clone_service(&self) -> S {
        self.template.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a credential and for a ready inner service, at most until the deadline.
    pub(super) async fn wait_for_credential(
        &self,
        deadline: Deadline,
    ) -> Result<(S, Credential), BoxError> {
        let late = CallError::deadline_exceeded;
        let outcome = deadline.bound(self.credentials.cache.credential()).await.ok_or_else(late)?;
        let credential = outcome.map_err(CallError::no_token)?;
        let mut service = self.clone_service();
        deadline.bound(until_ready(&mut service)).await.ok_or_else(late)??;
        Ok((service, credential))
    }
}

/// Waits until `service` is ready.
pub(super) async fn until_ready<S>(service: &mut S) -> Result<(), BoxError>
where
    S: Service<Request<Body>>,
    S::Error: Into<BoxError>,
{
    poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into)
}
