//! The evaluation engine: runs the policy of a method on the head of a call.
//!
//! It depends on no tower service, no HTTP body and no tonic server, so that a guard for another transport
//! can use it.
//!
//! Generated code builds an evaluator with the functions of [`builder`]. The guard and the handler check pass
//! it to [`run::start`] and, if it has to wait, to [`run::resume`]. Both emit the event of the decision
//! and return the identity or a [`Rejection`](rejection::Rejection). `resume` catches panics too; the callers of
//! `start` do so themselves.

#![allow(missing_docs, missing_debug_implementations, reason = "generated code alone calls this")]
#![allow(
    clippy::manual_async_fn,
    reason = "an `async fn` stores its arguments twice, and every call runs these blocks"
)]

pub(crate) mod builder;
pub(crate) mod check_result;
mod combinators;
pub(crate) mod custom_check;
pub(crate) mod deadline;
pub(crate) mod description;
pub(crate) mod evaluator;
pub(crate) mod events;
pub(crate) mod identity;
pub(crate) mod injected_identity;
mod optional;
pub(crate) mod panics;
pub(crate) mod rejection;
pub(crate) mod requirement;
pub(crate) mod run;
mod scheme_check;
mod selection;
mod status;
