//! The layer that attaches call credentials to any gRPC client service.

use std::fmt;

use tower_layer::Layer;

use super::{call_credentials::CallCredentials, service::CallCredentialsService};

/// Attaches call credentials to the calls of the service that it wraps.
///
/// [`CallCredentials::dangerously_layer`] makes it. The layer can't check whether the inner service uses
/// TLS: over plaintext, everyone on the network path can read the credentials.
#[derive(Clone)]
pub struct CallCredentialsLayer {
    credentials: CallCredentials,
}

impl CallCredentialsLayer {
    pub(super) fn new(credentials: CallCredentials) -> Self {
        CallCredentialsLayer { credentials }
    }
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
