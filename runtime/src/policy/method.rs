//! The policy of a method.

/// The policy of one method, from its attribute or the default of its impl.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MethodPolicy {
    /// Identifies the method within its service. It doesn't depend on which methods `cfg` removes.
    pub(crate) key: u32,
    pub(crate) function: &'static str,
    pub(crate) rpc: &'static str,
    /// Whether the attribute contains `rpc`. Otherwise it is derived from the name of the function.
    pub(crate) rpc_is_explicit: bool,
    pub(crate) access: Access,
    /// The `#[authorized(..)]` parameters, such as `order = Self::find_order`.
    pub(crate) authorized: &'static [&'static str],
}

impl MethodPolicy {
    #[doc(hidden)]
    pub const fn new(
        key: u32,
        function: &'static str,
        rpc: &'static str,
        rpc_is_explicit: bool,
        access: Access,
    ) -> Self {
        MethodPolicy { key, function, rpc, rpc_is_explicit, access, authorized: &[] }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn with_authorized(self, authorized: &'static [&'static str]) -> Self {
        MethodPolicy { authorized, ..self }
    }

    /// Returns the method name of the RPC, such as `List`.
    pub fn method(&self) -> &'static str {
        self.rpc
    }

    /// Returns the name of the function that implements the method, such as `list`.
    pub fn function(&self) -> &'static str {
        self.function
    }

    /// Returns the `#[authorized(..)]` parameters and their checks, such as `order = Self::find_order`.
    pub fn authorized(&self) -> &'static [&'static str] {
        self.authorized
    }

    /// Returns who may call the method.
    pub fn access(&self) -> Access {
        self.access
    }
}

/// The callers that a method admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Callers with credentials that pass the checks.
    Authenticated(Checks),
    /// Callers with credentials that pass the checks, and callers without credentials: `optional(..)`.
    Optional(Checks),
    /// Every caller: `#[anonymous(reason = "..")]`.
    Anonymous {
        /// The reason in the attribute.
        reason: &'static str,
    },
    /// No caller: `#[denied(reason = "..")]`.
    Denied {
        /// The reason in the attribute.
        reason: &'static str,
    },
}

/// How the schemes of a policy combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combinator {
    /// The first listed scheme for which the call carries credentials decides. A single scheme is `OneOf` too.
    OneOf,
    /// All schemes decide.
    AllOf,
}

/// The checks of a policy, as they are written in the attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checks {
    /// How the schemes combine.
    pub combinator: Combinator,
    /// The schemes. Each is the name of a built-in scheme or an expression, with its `via`.
    pub schemes: &'static [&'static str],
    /// The scopes. The identity must have all of them.
    pub scopes: &'static [&'static str],
    /// The roles. The identity must have at least one of them.
    pub roles: &'static [&'static str],
    /// The custom check of the call head.
    pub authorize: Option<&'static str>,
    /// The custom check of the request.
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
