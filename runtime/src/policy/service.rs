//! The policy of a service.

use super::method::MethodPolicy;

/// Who may call the methods of one service.
///
/// `Display` renders an aligned text table. [`to_markdown`](ServicePolicy::to_markdown) and
/// [`to_json`](ServicePolicy::to_json) are for documents and programs. Commit one of them to the
/// repository, so that a change of access appears in the diff of a review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePolicy {
    pub(crate) service: &'static str,
    pub(crate) access: ServiceAccess,
}

/// Who may call a service as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ServiceAccess {
    /// Each method has a policy.
    Guarded {
        methods: &'static [MethodPolicy],
        /// The keys of the methods whose authentication is bypassed.
        bypassed: Vec<u32>,
    },
    /// Every caller.
    #[cfg_attr(
        not(any(feature = "server", test)),
        expect(dead_code, reason = "only `GuardedRoutes` constructs it")
    )]
    Open { reason: &'static str },
}

impl ServicePolicy {
    /// Returns the full name of the service, from its generated server.
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// Returns the policies of the methods, in the order of the impl. A service that is open as a whole has
    /// none.
    pub fn methods(&self) -> &'static [MethodPolicy] {
        match &self.access {
            ServiceAccess::Guarded { methods, .. } => methods,
            ServiceAccess::Open { .. } => &[],
        }
    }

    /// Returns the reason for which the service is open as a whole, if it is.
    pub fn open_reason(&self) -> Option<&'static str> {
        match &self.access {
            ServiceAccess::Guarded { .. } => None,
            ServiceAccess::Open { reason } => Some(reason),
        }
    }

    /// Whether an authenticator of `method` admits every caller (see
    /// [`Authenticate::bypass`](crate::Authenticate::bypass)).
    ///
    /// The policy of a [`Guard`](crate::Guard) holds the value from the moment when the guard was created.
    /// The policy of [`policy_of`](crate::policy_of) has no instance of the service, so it is always `false`.
    pub fn is_bypassed(&self, method: &MethodPolicy) -> bool {
        matches!(&self.access, ServiceAccess::Guarded { bypassed, .. } if bypassed.contains(&method.key))
    }
}
