//! The authenticator of [`FromExtensions`].

use std::future::ready;

use super::{authenticated::Authenticated, authenticator::Authenticate, immediate::Immediate};
use crate::{
    error::AuthError,
    scheme::{FromExtensions, TrustExtension},
};

impl<T: Clone + Send + Sync + 'static> Authenticate<FromExtensions<T>> for TrustExtension {
    type Identity = T;

    fn authenticate(
        &self,
        identity: T,
    ) -> impl Future<Output = Result<Authenticated<T>, AuthError>> + Send {
        ready(Ok(identity.into()))
    }

    fn authenticate_now(&self, identity: T) -> Immediate<T, T> {
        Immediate::Decided(Ok(identity.into()))
    }
}
