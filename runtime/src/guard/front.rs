//! What the front door decides of a call's head.

use std::{
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::Arc,
};

use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, PROXY_AUTHORIZATION},
    request::Parts,
};
use tonic::{Status, server::NamedService};

use super::{
    Guarded, path,
    refusals::{Refusals, response_head},
};
use crate::{
    check::{Site, refusing_panics, run},
    head::{CallHead, RpcName},
    in_process::CallAs,
    plan::{Call, Plan},
    policy::{Access, Combinator, Kind, MethodPolicy, ServicePolicy},
    proof::{Instance, Proof},
    refusal::{DOMAIN, Facts, Reason, Refusal},
    scheme::Place,
};

/// Something that is done with the plan of one method.
#[allow(missing_docs, reason = "generated code alone calls this")]
pub trait Visit<'s> {
    type Output;

    fn plan<P: Plan + 's>(self, policy: u64, plan: P) -> Self::Output;
    fn anonymous(self) -> Self::Output;
    fn unknown(self) -> Self::Output;
}

/// A guarded service whose type is forgotten: what follows is built once, in this crate.
trait Plans: Send + Sync {
    fn decide<'s>(&'s self, method: u32, visitor: Decide<'s>) -> Decision<'s>;
    fn facts(&self, method: u32) -> Option<Facts>;
}

struct Service<T, M, S> {
    service: Arc<T>,
    marker: PhantomData<fn() -> (M, S)>,
}

impl<T: Guarded<M, S>, M, S> Plans for Service<T, M, S> {
    fn decide<'s>(&'s self, method: u32, visitor: Decide<'s>) -> Decision<'s> {
        self.service.visit(method, visitor)
    }

    fn facts(&self, method: u32) -> Option<Facts> {
        self.service.visit(method, Describe)
    }
}

pub(super) struct Front {
    plans: Arc<dyn Plans>,
    instance: Instance,
    name: &'static str,
    methods: &'static [MethodPolicy],
    domain: &'static str,
    /// The headers whose values are marked, so that they don't print.
    sensitive: Arc<[HeaderName]>,
    bypassed: Vec<u32>,
    refusals: Refusals,
}

/// How a call goes on.
pub(super) enum Answer {
    /// To the server, with the proof that its handler asks for.
    Admit(Option<Proof>),
    /// Back to the caller: the head of a response without a body.
    Refuse(HeaderMap),
}

impl Front {
    pub(super) fn new<T, M, S>(service: Arc<T>) -> Self
    where
        T: Guarded<M, S> + 'static,
        M: 'static,
        S: NamedService + 'static,
    {
        let instance = Instance::of(&*service);
        let plans: Arc<dyn Plans> =
            Arc::new(Service { service, marker: PhantomData::<fn() -> (M, S)> });
        let methods = T::WIRING.methods;
        let mut sensitive = vec![AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE];
        let mut bypassed = Vec::new();
        for method in methods {
            let Some(facts) = plans.facts(method.key) else { continue };
            check_order(S::NAME, method, &facts);
            for leaf in facts.leaves {
                if let Place::Header(header) = leaf.place
                    && !sensitive.contains(&header)
                {
                    sensitive.push(header);
                }
                if leaf.bypassed {
                    tracing::warn!(
                        target: "tonic_guard",
                        service = S::NAME,
                        method = method.rpc,
                        scheme = leaf.name,
                        "authentication is off: every caller of this method gets in",
                    );
                    bypassed.push(method.key);
                }
            }
        }
        let sensitive = sensitive.into();
        Front {
            plans,
            instance,
            name: S::NAME,
            methods,
            domain: DOMAIN,
            sensitive,
            bypassed,
            refusals: Refusals::default(),
        }
    }

    pub(super) fn with_domain(&self, domain: &'static str) -> Self {
        Front {
            plans: Arc::clone(&self.plans),
            instance: self.instance,
            name: self.name,
            methods: self.methods,
            domain,
            sensitive: Arc::clone(&self.sensitive),
            bypassed: self.bypassed.clone(),
            refusals: Refusals::default(),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn policy(&self) -> ServicePolicy {
        let kind = Kind::Guarded { methods: self.methods, bypassed: self.bypassed.clone() };
        ServicePolicy { service: self.name, kind }
    }

    /// Decides the call with this head, and leaves the head as an admitted call's should be.
    pub(super) async fn decide(&self, parts: &mut Parts) -> Answer {
        if !self.clean(parts) || parts.method != Method::POST {
            return self
                .unimplemented("this is not a gRPC call: POST with content-type application/grpc");
        }
        let called = path::method(parts.uri.path(), self.name);
        let found = called.and_then(|called| Some((called, path::find(self.methods, called)?)));
        let Some((called, method)) = found else {
            return self.unimplemented("the service has no such method");
        };
        let rpc = RpcName { service: self.name, method: called };
        let head = CallHead::new(&parts.headers, &parts.extensions).with_rpc(rpc);
        let visitor = Decide { head, instance: self.instance, domain: self.domain };
        // Visiting runs the expressions of the attribute, which may panic as well.
        let decision = catch_unwind(AssertUnwindSafe(|| self.plans.decide(method.key, visitor)));
        let decided = match decision {
            Ok(mut decision) => refusing_panics(decision.as_mut()).await,
            Err(_) => Err(Refusal::internal("a check panicked")),
        };
        match decided {
            Ok(proof) => Answer::Admit(proof),
            Err(refusal) => Answer::Refuse(self.refuse(refusal, method, rpc)),
        }
    }

    /// The head of the answer to a refused call.
    fn refuse(&self, refusal: Refusal, method: &MethodPolicy, rpc: RpcName<'_>) -> HeaderMap {
        let describe = || self.plans.facts(method.key);
        let told = catch_unwind(AssertUnwindSafe(|| {
            self.refusals.head(refusal, method, rpc, self.domain, describe)
        }));
        // An expression of the attribute that panics when the call is decided does so here again.
        told.unwrap_or_else(|_| response_head(Reason::Internal.bare_status()))
    }

    /// Removes what only this crate may have put there, and keeps credentials from being printed. Says
    /// whether the content is gRPC's, which is seen on the same walk.
    fn clean(&self, parts: &mut Parts) -> bool {
        parts.extensions.remove::<Proof>();
        parts.extensions.remove::<CallAs>();
        let mut grpc = None;
        for (name, value) in &mut parts.headers {
            if self.sensitive.contains(name) {
                value.set_sensitive(true);
            }
            if *name == CONTENT_TYPE {
                // Of two values the first counts.
                grpc.get_or_insert_with(|| is_grpc(value));
            }
        }
        grpc.unwrap_or(false)
    }

    fn unimplemented(&self, why: &'static str) -> Answer {
        tracing::debug!(target: "tonic_guard", service = self.name, outcome = "refused", reason = "UNIMPLEMENTED", why);
        Answer::Refuse(response_head(Status::unimplemented(why)))
    }
}

/// Under `one_of` the connection decides last, wherever it is listed; a reader takes the list as it is.
fn check_order(service: &str, method: &MethodPolicy, facts: &Facts) {
    let (Access::Authenticated(checks) | Access::Optional(checks)) = method.access else { return };
    let places = || facts.leaves.iter().map(|leaf| leaf.place == Place::Connection);
    assert!(
        checks.combinator == Combinator::AllOf || places().is_sorted(),
        "`{service}/{}` lists a scheme of the connection before one of the call: list it last, or the \
         certificate of a sidecar would seem to decide",
        method.rpc,
    );
}

/// tonic runs its handlers for other content types too.
fn is_grpc(content_type: &HeaderValue) -> bool {
    const GRPC: &str = "application/grpc";

    content_type == GRPC
        || content_type.to_str().is_ok_and(|value| {
            let (media_type, rest) = value.split_at_checked(GRPC.len()).unwrap_or_default();
            media_type.eq_ignore_ascii_case(GRPC)
                && matches!(rest.bytes().next(), None | Some(b'+' | b';' | b' '))
        })
}

/// The proof for a call that gets in: none where the method is open to everyone.
type Decision<'s> = Pin<Box<dyn Future<Output = Result<Option<Proof>, Refusal>> + Send + 's>>;

/// Runs the plan.
struct Decide<'s> {
    head: CallHead<'s>,
    instance: Instance,
    domain: &'static str,
}

impl<'s> Visit<'s> for Decide<'s> {
    type Output = Decision<'s>;

    fn plan<P: Plan + 's>(self, policy: u64, plan: P) -> Decision<'s> {
        Box::pin(async move {
            let site = Site::of(&self.head);
            let call = Call { head: &self.head, given: None };
            let identity = pin!(run(&plan, call, &site)).await?;
            Ok(Some(Proof::new(self.instance, policy, self.domain, identity)))
        })
    }

    fn anonymous(self) -> Decision<'s> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn unknown(self) -> Decision<'s> {
        Box::pin(std::future::ready(Err(Refusal::internal("a method of the table has no plan"))))
    }
}

/// Reads what a refusal says of the plan.
struct Describe;

impl<'s> Visit<'s> for Describe {
    type Output = Option<Facts>;

    fn plan<P: Plan + 's>(self, _: u64, plan: P) -> Option<Facts> {
        Some(plan.facts())
    }

    fn anonymous(self) -> Option<Facts> {
        None
    }

    fn unknown(self) -> Option<Facts> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_content_type_of_grpc_is_a_call() {
        let grpc = |value: &str| is_grpc(&HeaderValue::from_str(value).unwrap());
        for value in
            ["application/grpc", "application/grpc+proto", "Application/GRPC; charset=utf-8"]
        {
            assert!(grpc(value), "{value}");
        }
        for value in [
            "application/grpc-web",
            "application/grpc-web+proto",
            "application/grp",
            "application/grpc; \u{e9}",
            "text/plain",
            "",
        ] {
            assert!(!grpc(value), "{value}");
        }
    }
}
