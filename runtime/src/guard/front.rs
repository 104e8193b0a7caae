//! What the front door decides of a call's head.

use std::{
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use http::{
    HeaderMap, HeaderValue, Method,
    header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, PROXY_AUTHORIZATION},
    request::Parts,
};
use tonic::{Status, server::NamedService};

use super::{
    Guarded, path,
    refusals::{Refusals, response_head},
    sensitive::Sensitive,
};
use crate::{
    check::{Site, refusing_panics, run},
    head::{CallHead, RpcName},
    plan::{Call, Plan},
    policy::{Access, Combinator, Kind, MethodPolicy, ServicePolicy},
    proof::{Instance, Proof},
    refusal::{DOMAIN, Facts, Reason, Refusal},
    scheme::Place,
    stand_in::StandIn,
};

/// Something that is done with the plan of one method.
#[allow(missing_docs, reason = "generated code alone calls this")]
pub trait Visit: Send {
    type Output;

    fn plan<P: Plan>(self, policy: u64, plan: P) -> impl Future<Output = Self::Output> + Send;
    fn anonymous(self) -> Self::Output;
    fn unknown(self) -> Self::Output;
}

/// A guarded service whose type is forgotten: what follows is built once, in this crate.
trait Plans: Send + Sync {
    fn decide(&self, parts: Parts, method: u32, domain: &'static str) -> Decision;
    fn facts(&self, method: u32) -> Option<Facts>;
}

/// What is decided of a call, with its head.
pub(super) type Decision = Pin<Box<dyn Future<Output = (Parts, Decided)> + Send>>;

/// The proof for a call that gets in: none where the method is open to everyone.
type Decided = Result<Option<Proof>, Refusal>;

struct Service<T, M, S> {
    service: Arc<T>,
    marker: PhantomData<fn() -> (M, S)>,
}

impl<T, M, S> Plans for Service<T, M, S>
where
    T: Guarded<M, S> + 'static,
    S: NamedService,
{
    fn decide(&self, parts: Parts, method: u32, domain: &'static str) -> Decision {
        let service = Arc::clone(&self.service);
        Box::pin(async move {
            let rpc = RpcName { service: S::NAME, method: path::called(&parts.uri, S::NAME) };
            let head = CallHead::new(&parts.headers, &parts.extensions).with_rpc(rpc);
            let visitor = Decide { head, instance: Instance::of(&*service), domain };
            // Visiting runs the expressions of the attribute, which may panic as well.
            let decided = refusing_panics(pin!(service.visit(method, &visitor))).await;
            (parts, decided)
        })
    }

    fn facts(&self, method: u32) -> Option<Facts> {
        let mut cx = Context::from_waker(Waker::noop());
        match pin!(self.service.visit(method, Describe)).poll(&mut cx) {
            Poll::Ready(facts) => facts,
            // Describing waits for nothing.
            Poll::Pending => None,
        }
    }
}

pub(super) struct Front {
    plans: Arc<dyn Plans>,
    name: &'static str,
    methods: &'static [MethodPolicy],
    domain: &'static str,
    sensitive: Sensitive,
    bypassed: Vec<u32>,
    refusals: Refusals,
}

impl Front {
    pub(super) fn new<T, M, S>(service: Arc<T>) -> Self
    where
        T: Guarded<M, S> + 'static,
        M: 'static,
        S: NamedService + 'static,
    {
        let plans: Arc<dyn Plans> =
            Arc::new(Service { service, marker: PhantomData::<fn() -> (M, S)> });
        let methods = T::WIRING.methods;
        let mut sensitive = Sensitive::of([AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE]);
        let mut bypassed = Vec::new();
        for method in methods {
            let Some(facts) = plans.facts(method.key) else { continue };
            check_order(S::NAME, method, &facts);
            for leaf in facts.leaves {
                if let Place::Header(header) = leaf.place {
                    sensitive.add(header);
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
        Front {
            plans,
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
            name: self.name,
            methods: self.methods,
            domain,
            sensitive: self.sensitive.clone(),
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

    /// The policy for the call with this head, or the head of the answer to what is no call of this
    /// service's. Credentials are kept from being printed.
    pub(super) fn method(&self, parts: &mut Parts) -> Result<&'static MethodPolicy, HeaderMap> {
        if !self.mark(&mut parts.headers) || parts.method != Method::POST {
            return Err(self.unimplemented(
                "this is not a gRPC call: POST with content-type application/grpc",
            ));
        }
        let called = path::method(parts.uri.path(), self.name);
        let method = called.and_then(|called| path::find(self.methods, called));
        method.ok_or_else(|| self.unimplemented("the service has no such method"))
    }

    /// Decides the call with this head.
    pub(super) fn decide(&self, parts: Parts, method: &MethodPolicy) -> Decision {
        self.plans.decide(parts, method.key, self.domain)
    }

    /// The head of the answer to a refused call.
    pub(super) fn refuse(
        &self,
        refusal: Refusal,
        method: &MethodPolicy,
        parts: &Parts,
    ) -> HeaderMap {
        let rpc = RpcName { service: self.name, method: path::called(&parts.uri, self.name) };
        let describe = || self.plans.facts(method.key);
        let told = catch_unwind(AssertUnwindSafe(|| {
            self.refusals.head(refusal, method, rpc, self.domain, describe)
        }));
        // An expression of the attribute that panics when the call is decided does so here again.
        told.unwrap_or_else(|_| response_head(Reason::Internal.bare_status()))
    }

    /// Keeps credentials from being printed. Says whether the content is gRPC's, which is seen on the
    /// same walk.
    fn mark(&self, headers: &mut HeaderMap) -> bool {
        let mut grpc = None;
        for (name, value) in headers {
            if self.sensitive.contains(name) {
                value.set_sensitive(true);
            } else if *name == CONTENT_TYPE {
                // Of two values the first counts.
                grpc.get_or_insert_with(|| is_grpc(value));
            }
        }
        grpc.unwrap_or(false)
    }

    fn unimplemented(&self, why: &'static str) -> HeaderMap {
        tracing::debug!(target: "tonic_guard", service = self.name, outcome = "refused", reason = "UNIMPLEMENTED", why);
        response_head(Status::unimplemented(why))
    }
}

/// Leaves in an admitted call's head what only this crate may have put there.
pub(super) fn admit(parts: &mut Parts, proof: Option<Proof>) {
    match proof {
        // It takes the place of what the request may have brought along.
        Some(proof) => parts.extensions.insert(StandIn::Proof(proof)),
        None => parts.extensions.remove::<StandIn>(),
    };
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

/// Runs the plan. It visits by reference: a future keeps more than one copy of what it is given.
struct Decide<'c> {
    head: CallHead<'c>,
    instance: Instance,
    domain: &'static str,
}

impl Visit for &Decide<'_> {
    type Output = Decided;

    async fn plan<P: Plan>(self, policy: u64, plan: P) -> Decided {
        let site = Site::of(&self.head);
        let call = Call { head: &self.head, given: None };
        let identity = pin!(run(&plan, call, &site)).await?;
        Ok(Some(Proof::new(self.instance, policy, self.domain, identity)))
    }

    fn anonymous(self) -> Decided {
        Ok(None)
    }

    fn unknown(self) -> Decided {
        Err(Refusal::internal("a method of the table has no plan"))
    }
}

/// Reads what a refusal says of the plan.
struct Describe;

impl Visit for Describe {
    type Output = Option<Facts>;

    async fn plan<P: Plan>(self, _: u64, plan: P) -> Option<Facts> {
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
