use std::{future::ready, marker::PhantomData};

use super::{CredentialLocation, ExtractError, Extraction, Scheme};
use crate::{authenticate::Authenticate, error::AuthError, scheme::CallHead};

/// An identity that a layer of the same server has put into the call's extensions.
///
/// For a service that moves over one method at a time: the interceptor that has always checked the
/// token goes on doing so, and this scheme hands on what it found. The layer must stand outside
/// [`guard`](crate::guard()). [`TrustExtension`] is the authenticator that takes the layer's word:
///
/// `scheme = FromExtensions::<User>::new() via TrustExtension`
///
/// Where the layer left nothing, the call is refused. Under `optional` that would let a forgotten
/// layer open the method, so the attribute refuses it there.
pub struct FromExtensions<T>(PhantomData<fn() -> T>);

impl<T> FromExtensions<T> {
    /// The scheme that reads a `T`.
    pub const fn new() -> Self {
        FromExtensions(PhantomData)
    }
}

impl<T> Default for FromExtensions<T> {
    fn default() -> Self {
        FromExtensions::new()
    }
}

impl<T> Clone for FromExtensions<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for FromExtensions<T> {}

impl<T> std::fmt::Debug for FromExtensions<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FromExtensions")
    }
}

impl<T: Clone + Send + Sync + 'static> Scheme for FromExtensions<T> {
    type Credentials = T;

    fn name(&self) -> &str {
        "from-extensions"
    }

    fn location(&self) -> CredentialLocation {
        CredentialLocation::Extensions
    }

    fn extract(&self, head: &CallHead<'_>) -> Result<Extraction<T>, ExtractError> {
        Ok(match head.extensions().get::<T>() {
            Some(identity) => Extraction::Credentials(identity.clone()),
            None => Extraction::Absent,
        })
    }
}

/// Takes what [`FromExtensions`] found as the caller's identity, on the word of the layer that put
/// it there.
#[derive(Clone, Copy, Debug, Default)]
pub struct TrustExtension;

impl<T: Clone + Send + Sync + 'static> Authenticate<FromExtensions<T>> for TrustExtension {
    type Identity = T;

    fn authenticate(&self, identity: T) -> impl Future<Output = Result<T, AuthError>> + Send {
        ready(Ok(identity))
    }
}
