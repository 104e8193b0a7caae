//! The guard: a tower service around a generated server, which decides on the head of a call.
//!
//! The way of a call: [`service`] receives the request, [`state`] finds the method, and [`decider`] evaluates its
//! policy. A call that is decided without waiting goes to the server with a [`handoff`], or is answered with the
//! rejection. Another one waits in its [`future`].

mod decider;
mod drain;
mod future;
mod guarded;
pub(crate) mod handoff;
mod path_lookup;
mod policy_visitor;
mod rejection_cache;
#[cfg(feature = "server")]
mod routes;
mod sensitive_headers;
mod server_binding;
mod service;
mod state;
mod trailers;

#[cfg(feature = "server")]
pub use self::routes::GuardedRoutes;
pub use self::{
    future::GuardFuture,
    guarded::{GuardableServer, Guarded},
    policy_visitor::PolicyVisitor,
    server_binding::{ServerBinding, ServiceName},
    service::{Guard, guard, guard_arc, policy_of},
    trailers::GuardedBody,
};
