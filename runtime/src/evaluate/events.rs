//! The `tracing` events of decisions.

use std::{
    error::Error,
    panic::{AssertUnwindSafe, catch_unwind},
};

use tonic::Code;

use super::{description::PolicyDescription, evaluator::AdmittedBy, rejection::Rejection};
use crate::scheme::CallHead;

/// The RPC of a decision, as its event names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RpcTarget<'a> {
    /// The full name of the service, if it is known.
    pub(crate) service: Option<&'a str>,
    /// The method name in the policy or, in a handler check, the name of the function.
    pub(crate) method: &'a str,
}

impl<'a> RpcTarget<'a> {
    /// The RPC that the guard has found.
    #[inline]
    pub(crate) fn of(head: &CallHead<'a>) -> Self {
        let rpc = head.rpc();
        RpcTarget { service: rpc.map(|rpc| rpc.service), method: rpc.map_or("", |rpc| rpc.method) }
    }

    #[inline]
    pub(super) fn emit_admitted(
        &self,
        by: AdmittedBy,
        description: impl FnOnce() -> PolicyDescription,
    ) {
        if !tracing::enabled!(target: "tonic_guard", tracing::Level::DEBUG) {
            return;
        }
        // The decision is made: a panic here only makes the event less detailed.
        let description = || {
            catch_unwind(AssertUnwindSafe(description))
                .unwrap_or_else(|_| PolicyDescription::empty())
        };
        let (outcome, scheme) = match by {
            AdmittedBy::Scheme(index) => ("admitted", description().scheme_name(Some(index))),
            AdmittedBy::AllSchemes => ("admitted", description().scheme_name(None)),
            AdmittedBy::Bypass => ("bypassed", description().scheme_name(None)),
            AdmittedBy::InjectedIdentity => ("called in process", String::new()),
            AdmittedBy::Anonymous => ("anonymous", String::new()),
        };
        tracing::debug!(
            target: "tonic_guard",
            service = self.service,
            method = self.method,
            scheme,
            outcome,
        );
    }

    /// Emits the event of `rejection` and returns it, or returns INTERNAL if the description panics.
    pub(crate) fn emit_rejected(
        &self,
        rejection: Rejection,
        description: impl FnOnce() -> PolicyDescription,
    ) -> Rejection {
        // A rejection that the caller causes is routine. One that the server causes needs the operator.
        let is_server_error = matches!(rejection.code(), Code::Unavailable | Code::Internal);
        // Checked first, so that a flood of rejected calls doesn't pay for events that nobody records.
        let enabled = if is_server_error {
            tracing::enabled!(target: "tonic_guard", tracing::Level::ERROR)
        } else {
            tracing::enabled!(target: "tonic_guard", tracing::Level::INFO)
        };
        if !enabled {
            return rejection;
        }
        let emit = || self.emit_rejection(&rejection, is_server_error, description);
        match catch_unwind(AssertUnwindSafe(emit)) {
            Ok(()) => rejection,
            Err(_) => Rejection::internal("the description of a scheme panicked"),
        }
    }

    fn emit_rejection(
        &self,
        rejection: &Rejection,
        is_server_error: bool,
        description: impl FnOnce() -> PolicyDescription,
    ) {
        let none = None::<&(dyn Error + 'static)>;
        let (scheme, reason, cause) = match rejection {
            Rejection::Standard { reason, scheme, cause } => {
                let description = description();
                let cause = cause.as_deref().map(|cause| cause as &(dyn Error + 'static));
                (description.scheme_name(*scheme), description.reason_name(*reason, *scheme), cause)
            }
            Rejection::Custom(status) => (String::new(), status.code().description(), none),
        };
        if is_server_error {
            tracing::error!(
                target: "tonic_guard",
                service = self.service,
                method = self.method,
                scheme,
                outcome = "rejected",
                reason,
                cause,
            );
        } else {
            tracing::info!(
                target: "tonic_guard",
                service = self.service,
                method = self.method,
                scheme,
                outcome = "rejected",
                reason,
                cause,
            );
        }
    }
}
