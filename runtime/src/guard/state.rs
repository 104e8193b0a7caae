//! The part of a guard that doesn't depend on the type of its service.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use http::{
    HeaderMap, HeaderValue, Method,
    header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, PROXY_AUTHORIZATION},
    request::Parts,
};
use tonic::Status;

use super::{
    decider::{Decider, DecisionFuture},
    handoff::{CallOrigin, Handoff, SealedIdentity, ServiceId},
    path_lookup::PathLookup,
    policy_visitor::{CallProgress, PendingEvaluation},
    rejection_cache::{RejectionCache, response_head},
    sensitive_headers::SensitiveHeaders,
};
use crate::{
    evaluate::{description::PolicyDescription, rejection::Rejection},
    policy::{Access, Combinator, MethodPolicy, ServiceAccess, ServicePolicy},
    reason::{DOMAIN, Reason},
    scheme::{AuthorizationHeader, CredentialLocation, RpcName},
};

/// The policies of a service, and what a guard needs to find a method, mark headers, and admit or reject a
/// call.
#[derive(Clone)]
pub(super) struct GuardState {
    service: &'static str,
    service_id: ServiceId,
    methods: &'static [MethodPolicy],
    decider: Arc<dyn Decider>,
    paths: PathLookup,
    error_domain: &'static str,
    sensitive_headers: SensitiveHeaders,
    bypassed: Vec<u32>,
    rejections: Arc<RejectionCache>,
}

/// The outcome of [`GuardState::enter`].
pub(super) enum Entry {
    /// The head has the handoff.
    Admitted,
    /// The head of the response.
    Rejected(HeaderMap),
    /// The evaluation of the method's policy has to wait.
    Waiting(&'static MethodPolicy, PendingEvaluation),
}

impl GuardState {
    /// Creates the state of a guard.
    ///
    /// # Panics
    /// Panics when `one_of` lists a scheme of the connection before a scheme of the call.
    pub(super) fn new(
        service: &'static str,
        service_id: ServiceId,
        methods: &'static [MethodPolicy],
        decider: Arc<dyn Decider>,
    ) -> Self {
        let mut sensitive_headers =
            SensitiveHeaders::new([AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE]);
        let mut bypassed = Vec::new();
        for method in methods {
            let Some(description) = decider.describe(method.key) else { continue };
            check_order(service, method, &description);
            for scheme in description.schemes {
                if let CredentialLocation::Header(header) = scheme.location {
                    sensitive_headers.add(header);
                }
                if scheme.bypassed {
                    tracing::warn!(
                        target: "tonic_guard",
                        service,
                        method = method.rpc,
                        scheme = scheme.name,
                        "authentication is off: every caller of this method is admitted",
                    );
                    bypassed.push(method.key);
                }
            }
        }
        let rejections = Arc::default();
        GuardState {
            service,
            service_id,
            methods,
            decider,
            paths: PathLookup::new(service, methods),
            error_domain: DOMAIN,
            sensitive_headers,
            bypassed,
            rejections,
        }
    }

    pub(super) fn with_domain(&self, error_domain: &'static str) -> Self {
        GuardState { error_domain, rejections: Arc::default(), ..self.clone() }
    }

    #[cfg(feature = "server")]
    pub(super) fn error_domain(&self) -> &'static str {
        self.error_domain
    }

    pub(super) fn service(&self) -> &'static str {
        self.service
    }

    pub(super) fn policy(&self) -> ServicePolicy {
        let access =
            ServiceAccess::Guarded { methods: self.methods, bypassed: self.bypassed.clone() };
        ServicePolicy { service: self.service, access }
    }

    /// Decides a call, or comes as far as it can without waiting.
    pub(super) fn enter(&self, parts: &mut Parts) -> Entry {
        let mut authorization = AuthorizationHeader::default();
        let method = match self.find_method(parts, &mut authorization) {
            Ok(method) => method,
            Err(head) => return Entry::Rejected(head),
        };
        match self.decider.start(parts, &authorization, method) {
            Ok(CallProgress::Admitted(identity)) => {
                self.set_handoff(parts, method, identity);
                Entry::Admitted
            }
            Ok(CallProgress::Waiting(pending)) => Entry::Waiting(method, pending),
            Err(rejection) => Entry::Rejected(self.response_head(rejection, method)),
        }
    }

    /// Completes the decision on a call that has to wait.
    pub(super) fn resume(
        &self,
        parts: Parts,
        method: &'static MethodPolicy,
        pending: PendingEvaluation,
    ) -> DecisionFuture {
        Arc::clone(&self.decider).resume(parts, method, pending)
    }

    /// Finds the policy of the called method, and marks the values of credential headers sensitive.
    ///
    /// # Errors
    /// Returns the head of an UNIMPLEMENTED response when the request isn't a gRPC call, or when the service
    /// has no such method.
    fn find_method(
        &self,
        parts: &mut Parts,
        authorization: &mut AuthorizationHeader,
    ) -> Result<&'static MethodPolicy, HeaderMap> {
        let is_grpc = self.mark_sensitive(&mut parts.headers, authorization);
        if !is_grpc || parts.method != Method::POST {
            return Err(self.unimplemented(
                "this is not a gRPC call: POST with content-type application/grpc",
            ));
        }
        let method = self.paths.find(parts.uri.path());
        method.ok_or_else(|| self.unimplemented("the service has no such method"))
    }

    /// Inserts the handoff of an admitted call, and removes any that the request already carries.
    pub(super) fn set_handoff(
        &self,
        parts: &mut Parts,
        method: &MethodPolicy,
        identity: Option<SealedIdentity>,
    ) {
        match identity {
            Some(identity) => {
                let handoff = Handoff::new(self.service_id, method.function, identity);
                let error_domain = self.error_domain;
                parts.extensions.insert(CallOrigin::Guard { handoff, error_domain })
            }
            None => parts.extensions.remove::<CallOrigin>(),
        };
    }

    /// Builds the head of the response to a rejected call.
    #[cold]
    pub(super) fn response_head(&self, rejection: Rejection, method: &MethodPolicy) -> HeaderMap {
        let rpc = RpcName { service: self.service, method: method.rpc };
        let head = catch_unwind(AssertUnwindSafe(|| {
            let describe = || self.decider.describe(method.key);
            self.rejections.response_head(rejection, method, rpc, self.error_domain, describe)
        }));
        // An expression of the attribute that panics in the evaluation panics again in the description.
        head.unwrap_or_else(|_| response_head(Reason::Internal.bare_status()))
    }

    /// Marks the values of credential headers sensitive, and keeps that of `authorization`. Returns whether the
    /// content type is that of gRPC, which the same loop over the headers finds.
    fn mark_sensitive(
        &self,
        headers: &mut HeaderMap,
        authorization: &mut AuthorizationHeader,
    ) -> bool {
        let mut is_grpc = None;
        for (name, value) in headers {
            if !self.sensitive_headers.may_contain(name) {
                continue;
            }
            if *name == AUTHORIZATION {
                value.set_sensitive(true);
                match &authorization.first {
                    None => authorization.first = Some(value.clone()),
                    Some(_) => authorization.is_duplicate = true,
                }
            } else if *name == CONTENT_TYPE {
                // The first value counts.
                is_grpc.get_or_insert_with(|| is_grpc_content_type(value));
            } else if self.sensitive_headers.contains(name) {
                value.set_sensitive(true);
            }
        }
        is_grpc.unwrap_or(false)
    }

    fn unimplemented(&self, why: &'static str) -> HeaderMap {
        tracing::debug!(
            target: "tonic_guard",
            service = self.service,
            outcome = "rejected",
            reason = "UNIMPLEMENTED",
            why,
        );
        response_head(Status::unimplemented(why))
    }
}

/// Checks that a policy lists the schemes of the connection last. They are evaluated last in any order, and
/// another order would mislead a reader of the attribute.
fn check_order(service: &str, method: &MethodPolicy, description: &PolicyDescription) {
    let (Access::Authenticated(checks) | Access::Optional(checks)) = method.access else { return };
    let is_of_connection = || {
        let schemes = description.schemes.iter();
        schemes.map(|scheme| scheme.location == CredentialLocation::Connection)
    };
    assert!(
        checks.combinator == Combinator::AllOf || is_of_connection().is_sorted(),
        "`{service}/{}` lists a scheme of the connection before a scheme of the call: list it last, because \
         it is evaluated last",
        method.rpc,
    );
}

/// Returns whether a content type is `application/grpc`, with or without a suffix and parameters. tonic itself
/// accepts every content type.
fn is_grpc_content_type(content_type: &HeaderValue) -> bool {
    const GRPC: &str = "application/grpc";

    content_type.as_bytes() == GRPC.as_bytes()
        || content_type.to_str().is_ok_and(|value| {
            let (media_type, rest) = value.split_at_checked(GRPC.len()).unwrap_or_default();
            media_type.eq_ignore_ascii_case(GRPC)
                && matches!(rest.bytes().next(), None | Some(b'+' | b';' | b' '))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_application_grpc_is_a_grpc_content_type() {
        let is_grpc = |value: &str| is_grpc_content_type(&HeaderValue::from_str(value).unwrap());
        for value in
            ["application/grpc", "application/grpc+proto", "Application/GRPC; charset=utf-8"]
        {
            assert!(is_grpc(value), "{value}");
        }
        for value in [
            "application/grpc-web",
            "application/grpc-web+proto",
            "application/grp",
            "application/grpc; \u{e9}",
            "text/plain",
            "",
        ] {
            assert!(!is_grpc(value), "{value}");
        }
    }
}
