//! One method of a guarded impl, as the policy table lists it.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    rc::Rc,
};

use heck::ToUpperCamelCase;
use syn::{Attribute, LitStr, Type};

use crate::{model::policy::Policy, syntax::text};

/// A method of the impl and its policy.
pub(crate) struct MethodPolicy {
    /// The position among the items of the impl.
    pub(crate) index: u32,
    pub(crate) function: String,
    /// The argument `rpc`.
    pub(crate) rpc: Option<LitStr>,
    /// The value of `rpc` or, without it, the function's name in camel case.
    pub(crate) rpc_name: String,
    /// The `cfg`s of the method, which apply to everything that is generated for it.
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) access: Access,
    /// Equal for methods that share an evaluator.
    pub(crate) evaluator_id: u64,
}

#[allow(clippy::large_enum_variant, reason = "one per method, while compiling")]
pub(crate) enum Access {
    /// `identity` is the type of the `#[identity]` parameter.
    Guarded {
        policy: Rc<Policy>,
        identity: Option<Type>,
        /// The texts of the `#[authorized(..)]` parameters.
        authorized: Vec<String>,
    },
    Anonymous {
        reason: LitStr,
    },
    Denied {
        reason: LitStr,
    },
}

impl MethodPolicy {
    pub(crate) fn new(
        index: u32,
        function: String,
        rpc: Option<LitStr>,
        cfgs: Vec<Attribute>,
        access: Access,
    ) -> Self {
        let rpc_name = match &rpc {
            Some(rpc) => rpc.value(),
            None => function.to_upper_camel_case(),
        };
        let evaluator_id = access.evaluator_id(&cfgs);
        MethodPolicy { index, function, rpc, rpc_name, cfgs, access, evaluator_id }
    }
}

impl Access {
    /// A hash of the policy, the type of the identity and the `cfgs`.
    fn evaluator_id(&self, cfgs: &[Attribute]) -> u64 {
        let (policy, identity) = match self {
            Access::Guarded { policy, identity, .. } => (Some(policy.id), identity.as_ref()),
            Access::Anonymous { .. } | Access::Denied { .. } => (None, None),
        };
        let mut hasher = DefaultHasher::new();
        matches!(self, Access::Denied { .. }).hash(&mut hasher);
        policy.hash(&mut hasher);
        identity.map(text::of).hash(&mut hasher);
        cfgs.iter().map(text::of).collect::<Vec<_>>().hash(&mut hasher);
        hasher.finish()
    }
}
