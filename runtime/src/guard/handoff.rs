//! What a request carries to the handler check: the handoff of a guard, or an injected identity.

use std::{
    any::Any,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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
///
/// Its type doesn't depend on the type of the identity. Otherwise a guard couldn't remove a stale handoff of
/// another identity.
pub(crate) struct Handoff {
    service: ServiceId,
    /// The function of the method. A custom check may have read the method from the call head.
    method: &'static str,
    policy: u64,
    slot: Mutex<Slot>,
}

/// An identity whose type is erased. The identity `()` allocates nothing.
type ErasedIdentity = Box<dyn Any + Send>;

enum Slot {
    Empty,
    Owned(ErasedIdentity),
    /// Extensions may be cloned, but an identity may not: copies of a handoff share it.
    Shared(Arc<Mutex<Option<ErasedIdentity>>>),
}

impl Clone for Handoff {
    fn clone(&self) -> Self {
        let mut slot = self.lock();
        let copy = match mem::replace(&mut *slot, Slot::Empty) {
            Slot::Empty => Slot::Empty,
            Slot::Owned(identity) => {
                let shared = Arc::new(Mutex::new(Some(identity)));
                *slot = Slot::Shared(Arc::clone(&shared));
                Slot::Shared(shared)
            }
            Slot::Shared(shared) => {
                *slot = Slot::Shared(Arc::clone(&shared));
                Slot::Shared(shared)
            }
        };
        Handoff { slot: Mutex::new(copy), ..*self }
    }
}

impl Handoff {
    pub(crate) fn new(service: ServiceId, method: &'static str, identity: SealedIdentity) -> Self {
        let SealedIdentity { policy, identity } = identity;
        Handoff { service, method, policy, slot: Mutex::new(Slot::Owned(identity)) }
    }

    /// Takes the identity, if the handoff is for this service, method and policy, and wasn't taken before.
    pub(crate) fn take<I: 'static>(&self, service: ServiceId, method: MethodId) -> Option<I> {
        if self.service != service
            || self.policy != method.policy
            || !same_name(self.method, method.method)
        {
            return None;
        }
        let mut slot = self.lock();
        if let Slot::Shared(shared) = &mut *slot {
            let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let identity = shared.take_if(|identity| identity.is::<I>())?;
            return identity.downcast().ok().map(|identity| *identity);
        }
        let Slot::Owned(identity) = mem::replace(&mut *slot, Slot::Empty) else { return None };
        match identity.downcast() {
            Ok(identity) => Some(*identity),
            Err(identity) => {
                *slot = Slot::Owned(identity);
                None
            }
        }
    }

    #[inline]
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A type-erased identity, and the policy that admitted it.
pub(crate) struct SealedIdentity {
    policy: u64,
    identity: ErasedIdentity,
}

impl SealedIdentity {
    #[inline]
    pub(crate) fn new<I: Send + 'static>(policy: u64, identity: I) -> Self {
        SealedIdentity { policy, identity: Box::new(identity) }
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

/// Compares two names. Equal names mostly have equal addresses, which is faster to compare.
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
        assert_eq!(handoff.take::<&str>(SERVICE, LIST), Some("ada"));
        assert_eq!(handoff.take::<&str>(SERVICE, LIST), None);
        assert_eq!(handoff.clone().take::<&str>(SERVICE, LIST), None);
    }

    #[test]
    fn copies_share_one_identity() {
        for taken_first in 0..3 {
            let handoff = Handoff::new(SERVICE, "list", SealedIdentity::new(2, "ada"));
            let copy = handoff.clone();
            let copies = [copy.clone(), copy, handoff];
            assert_eq!(copies[0].take::<u8>(SERVICE, LIST), None, "another type takes nothing");
            assert_eq!(copies[taken_first].take::<&str>(SERVICE, LIST), Some("ada"));
            for copy in &copies {
                assert_eq!(copy.take::<&str>(SERVICE, LIST), None);
                assert_eq!(copy.clone().take::<&str>(SERVICE, LIST), None);
            }
        }
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
