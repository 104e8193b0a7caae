//! Who may call what, as constant data.

use std::fmt;

mod render;

/// What the attributes say of one method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MethodPolicy {
    /// Tells the methods of one service apart, whatever `cfg` leaves of them.
    pub(crate) key: u32,
    pub(crate) function: &'static str,
    pub(crate) rpc: &'static str,
    /// Whether `rpc` was written in the attribute, not made of the function's name.
    pub(crate) rpc_is_given: bool,
    pub(crate) access: Access,
}

impl MethodPolicy {
    #[doc(hidden)]
    pub const fn new(
        key: u32,
        function: &'static str,
        rpc: &'static str,
        rpc_is_given: bool,
        access: Access,
    ) -> Self {
        MethodPolicy { key, function, rpc, rpc_is_given, access }
    }

    /// The name of the remote procedure, such as `List`.
    pub fn method(&self) -> &'static str {
        self.rpc
    }

    /// The function that carries the attribute, such as `list`.
    pub fn function(&self) -> &'static str {
        self.function
    }

    /// Who may call it.
    pub fn access(&self) -> Access {
        self.access
    }
}

/// Who may call a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Callers with credentials that pass these checks.
    Authenticated(Checks),
    /// Callers with credentials that pass these checks, and callers with none: `optional(..)`.
    Optional(Checks),
    /// Everyone: `#[anonymous(reason = "..")]`.
    Anonymous {
        /// Why.
        reason: &'static str,
    },
}

/// How the schemes of a policy combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combinator {
    /// One scheme alone, or the first for which the call carries credentials.
    OneOf,
    /// Every one.
    AllOf,
}

/// What a policy checks, in the attribute's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checks {
    /// How the schemes combine.
    pub combinator: Combinator,
    /// The schemes, each a word or an expression, with its `via`.
    pub schemes: &'static [&'static str],
    /// The scopes, all of which are required.
    pub scopes: &'static [&'static str],
    /// The roles, any of which is enough.
    pub roles: &'static [&'static str],
    /// The user's own check of the call's head.
    pub authorize: Option<&'static str>,
    /// The user's own check of the request.
    pub authorize_request: Option<&'static str>,
}

impl Checks {
    #[doc(hidden)]
    pub const fn new(
        combinator: Combinator,
        schemes: &'static [&'static str],
        scopes: &'static [&'static str],
        roles: &'static [&'static str],
        authorize: Option<&'static str>,
        authorize_request: Option<&'static str>,
    ) -> Self {
        Checks { combinator, schemes, scopes, roles, authorize, authorize_request }
    }
}

/// Who may call the methods of one service.
///
/// It prints as aligned text; [`to_markdown`](ServicePolicy::to_markdown) and
/// [`to_json`](ServicePolicy::to_json) are for documents and programs. Commit one of them, and a
/// change of who may call what is a diff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePolicy {
    pub(crate) service: &'static str,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Guarded {
        methods: &'static [MethodPolicy],
        bypassed: Vec<u32>,
    },
    #[cfg_attr(
        not(any(feature = "server", test)),
        expect(dead_code, reason = "`GuardedRoutes` makes it")
    )]
    Open {
        reason: &'static str,
    },
}

impl ServicePolicy {
    /// The service's full name, from its generated server.
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// The methods, in the order of the impl. None for a service that is open as a whole.
    pub fn methods(&self) -> &'static [MethodPolicy] {
        match &self.kind {
            Kind::Guarded { methods, .. } => methods,
            Kind::Open { .. } => &[],
        }
    }

    /// Why the service is open as a whole, if it is.
    pub fn open_reason(&self) -> Option<&'static str> {
        match &self.kind {
            Kind::Guarded { .. } => None,
            Kind::Open { reason } => Some(reason),
        }
    }

    /// Whether an authenticator of `method` lets everyone in: see
    /// [`Authenticate::bypass`](crate::Authenticate::bypass). Only a policy read off a guarded
    /// instance knows.
    pub fn is_bypassed(&self, method: &MethodPolicy) -> bool {
        matches!(&self.kind, Kind::Guarded { bypassed, .. } if bypassed.contains(&method.key))
    }

    /// The policy as a Markdown table.
    pub fn to_markdown(&self) -> String {
        render::markdown([self])
    }

    /// The policy as a JSON array with an object for each method.
    pub fn to_json(&self) -> String {
        render::json([self])
    }
}

impl fmt::Display for ServicePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        render::text([self], f)
    }
}

/// Who may call the methods of several services, as one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyTable {
    services: Vec<ServicePolicy>,
}

impl PolicyTable {
    /// The services.
    pub fn services(&self) -> &[ServicePolicy] {
        &self.services
    }

    /// The policies as a Markdown table.
    pub fn to_markdown(&self) -> String {
        render::markdown(&self.services)
    }

    /// The policies as a JSON array with an object for each method.
    pub fn to_json(&self) -> String {
        render::json(&self.services)
    }
}

impl FromIterator<ServicePolicy> for PolicyTable {
    fn from_iter<I: IntoIterator<Item = ServicePolicy>>(services: I) -> Self {
        PolicyTable { services: services.into_iter().collect() }
    }
}

impl Extend<ServicePolicy> for PolicyTable {
    fn extend<I: IntoIterator<Item = ServicePolicy>>(&mut self, services: I) {
        self.services.extend(services);
    }
}

impl fmt::Display for PolicyTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        render::text(&self.services, f)
    }
}
