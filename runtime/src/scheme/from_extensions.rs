//! Identities that a layer of the server has established.

use std::marker::PhantomData;

use super::{
    call_head::CallHead,
    extraction::{ExtractError, Extraction},
    location::CredentialLocation,
    scheme_trait::Scheme,
};

/// The scheme of an identity that a layer of the same server inserts into the extensions of a call.
///
/// Use it to migrate a service one method at a time: an existing interceptor keeps checking the token, and
/// this scheme passes its result on. The layer must wrap the [`guard`](crate::guard()). The authenticator
/// [`TrustExtension`] accepts the identity without another check:
///
/// `scheme = FromExtensions::<User>::new() via TrustExtension`
///
/// A call without the extension is rejected. The attribute doesn't accept this scheme under `optional`,
/// because a method would become public when someone forgets to mount the layer.
pub struct FromExtensions<T>(PhantomData<fn() -> T>);

impl<T> FromExtensions<T> {
    /// Creates the scheme for an extension of the type `T`.
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

/// The authenticator that accepts the identity of [`FromExtensions`] without another check.
#[derive(Clone, Copy, Debug, Default)]
pub struct TrustExtension;
