//! The proof that a front door leaves for the method's own door.

use std::{
    any::Any,
    sync::{Arc, Mutex, PoisonError},
};

use crate::handler_check::Door;

/// Says that the policy of `admission` ran for a method of the service at `instance`, and carries the
/// identity.
///
/// Only this crate can make one, and a front door removes any that a request brings along. It is
/// taken once, so an identity can't leak into the next call that a handler makes with its request.
#[derive(Clone)]
pub(crate) struct Proof {
    instance: Instance,
    /// The function behind the method. A check of the user's own may have asked which method is called.
    method: &'static str,
    admission: Admission,
}

/// An identity whose type is forgotten, and the policy that let it in.
#[derive(Clone)]
pub(crate) struct Admission {
    policy: u64,
    slot: Arc<dyn Any + Send + Sync>,
}

impl Admission {
    pub(crate) fn new<I: Send + Sync + 'static>(policy: u64, identity: I) -> Self {
        Admission { policy, slot: Arc::new(Mutex::new(Some(identity))) }
    }
}

impl Proof {
    pub(crate) fn new(instance: Instance, method: &'static str, admission: Admission) -> Self {
        Proof { instance, method, admission }
    }

    /// The identity, if this proof speaks of this service, this method and this policy and wasn't taken
    /// before.
    pub(crate) fn take<I: Send + Sync + 'static>(
        &self,
        instance: Instance,
        door: Door,
    ) -> Option<I> {
        if self.instance != instance
            || self.admission.policy != door.policy
            || !same(self.method, door.method)
        {
            return None;
        }
        let slot = self.admission.slot.downcast_ref::<Mutex<Option<I>>>()?;
        slot.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What tells one instance of a service from another: its address, and its type, because what a wrapper
/// wraps may stand where the wrapper does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instance {
    address: usize,
    of: &'static str,
}

impl PartialEq for Instance {
    fn eq(&self, other: &Self) -> bool {
        self.address == other.address && same(self.of, other.of)
    }
}

/// Whether two names are one. Mostly they stand at one place, too, and needn't be read.
fn same(left: &'static str, right: &'static str) -> bool {
    std::ptr::eq(left, right) || left == right
}

impl Instance {
    pub(crate) fn of<T: ?Sized>(service: &T) -> Self {
        let address = std::ptr::from_ref(service).cast::<()>().addr();
        Instance { address, of: std::any::type_name::<T>() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Instance = Instance { address: 1, of: "Orders" };
    const LIST: Door = Door { policy: 2, method: "list" };

    #[test]
    fn a_proof_is_taken_once() {
        let proof = Proof::new(ONE, "list", Admission::new(2, "ada"));
        let copy = proof.clone();
        assert_eq!(proof.take::<&str>(ONE, LIST), Some("ada"));
        assert_eq!(proof.take::<&str>(ONE, LIST), None);
        assert_eq!(copy.take::<&str>(ONE, LIST), None);
    }

    #[test]
    fn a_name_counts_wherever_it_stands() {
        let elsewhere = |name: &str| -> &'static str { Box::leak(name.into()) };
        let proof = Proof::new(ONE, elsewhere("list"), Admission::new(2, "ada"));
        let instance = Instance { of: elsewhere("Orders"), ..ONE };
        assert_eq!(proof.take::<&str>(instance, LIST), Some("ada"));
    }

    #[test]
    fn a_proof_of_another_instance_method_policy_or_type_is_none() {
        let proof = Proof::new(ONE, "list", Admission::new(2, "ada"));
        assert_eq!(proof.take::<&str>(Instance { address: 9, ..ONE }, LIST), None);
        assert_eq!(proof.take::<&str>(Instance { of: "Wrapped", ..ONE }, LIST), None);
        assert_eq!(proof.take::<&str>(ONE, Door { method: "lisp", ..LIST }), None);
        assert_eq!(proof.take::<&str>(ONE, Door { policy: 9, ..LIST }), None);
        assert_eq!(proof.take::<u8>(ONE, LIST), None);
        assert_eq!(proof.take::<&str>(ONE, LIST), Some("ada"), "refusals don't use it up");
    }

    #[test]
    fn what_is_wrapped_is_another_instance_than_its_wrapper() {
        struct Wrapper([u8; 3]);

        let wrapper = Wrapper([0; 3]);
        assert_eq!(Instance::of(&wrapper), Instance::of(&wrapper));
        assert_ne!(Instance::of(&wrapper), Instance::of(&wrapper.0));
        assert_ne!(Instance::of(&wrapper), Instance::of(&Wrapper([0; 3])));
    }
}
