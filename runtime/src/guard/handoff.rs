//! What a request carries to the handler check: the handoff of a guard, or an injected identity.

use std::{
    any::Any,
    sync::{Arc, Mutex, PoisonError},
};

use crate::evaluate::injected_identity::InjectedIdentitySlot;

/// The extension of a request that a guard or code of this process has inserted.
///
/// Both are variants of one type, so that a request carries one of them at most: the last one that was
/// inserted.
#[derive(Clone)]
pub(crate) enum CallOrigin {
    /// The call has passed a guard.
    Guard { handoff: Handoff, error_domain: &'static str },
    /// Code of this process makes the call, with an injected identity.
    InProcess(InjectedIdentitySlot),
}

/// The sealed identity that a guard leaves for the handler check.
///
/// It states that a policy was evaluated for a method of a service. Only this crate can create one, and a
/// guard removes any that a request already carries. The identity can be taken once, so it can't leak into
/// another call that a handler makes with the same request.
#[derive(Clone)]
pub(crate) struct Handoff {
    service: ServiceId,
    /// The function of the method. A custom check may have read the method from the call head.
    method: &'static str,
    identity: SealedIdentity,
}

impl Handoff {
    pub(crate) fn new(service: ServiceId, method: &'static str, identity: SealedIdentity) -> Self {
        Handoff { service, method, identity }
    }

    /// Takes the identity, if the handoff is for this service, method and policy, and wasn't taken before.
    pub(crate) fn take<I: Send + Sync + 'static>(
        &self,
        service: ServiceId,
        method: MethodId,
    ) -> Option<I> {
        if self.service != service
            || self.identity.policy != method.policy
            || !same_name(self.method, method.method)
        {
            return None;
        }
        let slot = self.identity.slot.downcast_ref::<Mutex<Option<I>>>()?;
        slot.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A type-erased identity, and the policy that admitted it.
#[derive(Clone)]
pub(crate) struct SealedIdentity {
    policy: u64,
    slot: Arc<dyn Any + Send + Sync>,
}

impl SealedIdentity {
    pub(crate) fn new<I: Send + Sync + 'static>(policy: u64, identity: I) -> Self {
        SealedIdentity { policy, slot: Arc::new(Mutex::new(Some(identity))) }
    }
}

/// Identifies a guarded method and its policy.
#[allow(missing_docs, reason = "generated code alone constructs it")]
#[derive(Clone, Copy, Debug)]
pub struct MethodId {
    /// Identifies the policy. Methods share it only if they share the attribute.
    pub policy: u64,
    /// The function with the attribute.
    pub method: &'static str,
}

/// Identifies an instance of a service by its address and its type. The type is needed because a wrapper and
/// its first field may have the same address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServiceId {
    address: usize,
    type_name: &'static str,
}

impl ServiceId {
    pub(crate) fn of<T: ?Sized>(service: &T) -> Self {
        let address = std::ptr::from_ref(service).cast::<()>().addr();
        ServiceId { address, type_name: std::any::type_name::<T>() }
    }
}

impl PartialEq for ServiceId {
    fn eq(&self, other: &Self) -> bool {
        self.address == other.address && same_name(self.type_name, other.type_name)
    }
}

/// Whether two names are equal. Equal names mostly have equal addresses, which is faster to compare.
fn same_name(left: &'static str, right: &'static str) -> bool {
    std::ptr::eq(left, right) || left == right
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: ServiceId = ServiceId { address: 1, type_name: "Orders" };
    const LIST: MethodId = MethodId { policy: 2, method: "list" };

    #[test]
    fn an_identity_is_taken_once() {
        let handoff = Handoff::new(SERVICE, "list", SealedIdentity::new(2, "ada"));
        let copy = handoff.clone();
        assert_eq!(handoff.take::<&str>(SERVICE, LIST), Some("ada"));
        assert_eq!(handoff.take::<&str>(SERVICE, LIST), None);
        assert_eq!(copy.take::<&str>(SERVICE, LIST), None);
    }

    #[test]
    fn equal_names_with_other_addresses_match() {
        let copied = |name: &str| -> &'static str { Box::leak(name.into()) };
        let handoff = Handoff::new(SERVICE, copied("list"), SealedIdentity::new(2, "ada"));
        let service = ServiceId { type_name: copied("Orders"), ..SERVICE };
        assert_eq!(handoff.take::<&str>(service, LIST), Some("ada"));
    }

    #[test]
    fn handoff_of_another_service_method_policy_or_type_is_rejected() {
        let handoff = Handoff::new(SERVICE, "list", SealedIdentity::new(2, "ada"));
        assert_eq!(handoff.take::<&str>(ServiceId { address: 9, ..SERVICE }, LIST), None);
        assert_eq!(handoff.take::<&str>(ServiceId { type_name: "Wrapped", ..SERVICE }, LIST), None);
        assert_eq!(handoff.take::<&str>(SERVICE, MethodId { method: "lisp", ..LIST }), None);
        assert_eq!(handoff.take::<&str>(SERVICE, MethodId { policy: 9, ..LIST }), None);
        assert_eq!(handoff.take::<u8>(SERVICE, LIST), None);
        assert_eq!(handoff.take::<&str>(SERVICE, LIST), Some("ada"), "a mismatch takes nothing");
    }

    #[test]
    fn a_wrapper_and_its_field_have_different_ids() {
        struct Wrapper([u8; 3]);

        let wrapper = Wrapper([0; 3]);
        assert_eq!(ServiceId::of(&wrapper), ServiceId::of(&wrapper));
        assert_ne!(ServiceId::of(&wrapper), ServiceId::of(&wrapper.0));
        assert_ne!(ServiceId::of(&wrapper), ServiceId::of(&Wrapper([0; 3])));
    }
}
