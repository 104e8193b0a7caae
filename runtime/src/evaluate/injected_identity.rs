//! Identities that code of the same process supplies.

use std::{
    any::Any,
    sync::{Arc, Mutex, PoisonError},
};

/// A type-erased identity that replaces the result of the authenticators.
#[derive(Debug)]
pub struct InjectedIdentity(Box<dyn Any + Send + Sync>);

impl InjectedIdentity {
    /// The identity as an `I`, or `self` if it has another type.
    pub(crate) fn into_identity<I: 'static>(self) -> Result<I, InjectedIdentity> {
        self.0.downcast().map(|identity| *identity).map_err(InjectedIdentity)
    }
}

/// Holds an injected identity until the first call takes it. Clones share the identity.
#[derive(Clone)]
pub(crate) struct InjectedIdentitySlot(Arc<Mutex<Option<InjectedIdentity>>>);

impl InjectedIdentitySlot {
    pub(crate) fn new<I: Send + Sync + 'static>(identity: I) -> Self {
        let identity = InjectedIdentity(Box::new(identity));
        InjectedIdentitySlot(Arc::new(Mutex::new(Some(identity))))
    }

    /// Takes the identity, which only the first call receives.
    pub(crate) fn take(&self) -> Option<InjectedIdentity> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_taken_once_and_keeps_its_type() {
        let slot = InjectedIdentitySlot::new("ada");
        let identity = slot.clone().take().unwrap();
        assert!(slot.take().is_none());
        let identity = identity.into_identity::<String>().expect_err("another type");
        assert_eq!(identity.into_identity::<&str>().unwrap(), "ada");
    }
}
