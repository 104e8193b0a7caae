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
    Guarded, path_lookup,
    rejection_cache::{Refusals, response_head},
    sensitive_headers::Sensitive,
};
use crate::{
    evaluate::rejection::{DOMAIN, Facts, Reason, Refusal},
    evaluate::run::{Site, refusing_panics, run},
    evaluate::{Call, Plan},
    guard::handoff::{Admission, Instance, Proof},
    guard::stand_in::StandIn,
    policy::{Access, Combinator, MethodPolicy, ServiceAccess, ServicePolicy},
    scheme::CredentialLocation,
    scheme::{CallHead, RpcName},
};

/// Something that is done with the plan of one method.
#[allow(missing_docs, reason = "generated code alone calls this")]
pub trait Visit: Send {
    type Output;

    fn plan<P: Plan>(self, policy: u64, plan: P) -> impl Future<Output = Self::Output> + Send;
    fn anonymous(self) -> Self::Output;
    fn unknown(self) -> Self::Output;
}

/// The front door of one service, whose type is forgotten: what follows is built once, in this crate.
pub(super) trait FrontDoor: Send + Sync {
    fn front(&self) -> &Front;
    fn with_domain(&self, domain: &'static str) -> Arc<dyn FrontDoor>;

    /// Decides the call with this head. It gives back what it is given: a call counts its references to
    /// the door once.
    fn decide(self: Arc<Self>, parts: Parts, method: &'static MethodPolicy) -> Decision;

    /// What a refusal says of the plan of a method.
    fn facts(&self, method: u32) -> Option<Facts>;
}

/// What is decided of a call.
pub(super) type Decision = Pin<Box<dyn Future<Output = Decided> + Send>>;

pub(super) struct Decided {
    pub(super) door: Arc<dyn FrontDoor>,
    pub(super) parts: Parts,
    /// The proof for a call that gets in: none where the method is open to everyone.
    pub(super) outcome: Result<Option<Proof>, Refusal>,
}

struct Door<T, M, S> {
    front: Front,
    service: Arc<T>,
    marker: PhantomData<fn() -> (M, S)>,
}

impl<T, M, S> FrontDoor for Door<T, M, S>
where
    T: Guarded<M, S> + 'static,
    M: 'static,
    S: NamedService + 'static,
{
    fn front(&self) -> &Front {
        &self.front
    }

    fn with_domain(&self, domain: &'static str) -> Arc<dyn FrontDoor> {
        let front = self.front.with_domain(domain);
        let service = Arc::clone(&self.service);
        Arc::new(Door { front, service, marker: PhantomData::<fn() -> (M, S)> })
    }

    fn decide(self: Arc<Self>, parts: Parts, method: &'static MethodPolicy) -> Decision {
        // The box first: what is made before its box is copied into it, with room for all its states.
        let decision = Box::write(Box::new_uninit(), async move {
            let rpc =
                RpcName { service: S::NAME, method: path_lookup::called(&parts.uri, S::NAME) };
            let head = CallHead::new(&parts.headers, &parts.extensions).with_rpc(rpc);
            let visitor = Decide(head);
            let service = &*self.service;
            // Visiting runs the expressions of the attribute, which may panic as well.
            let decided = refusing_panics(pin!(service.visit(method.key, &visitor))).await;
            let proof = |admission| Proof::new(Instance::of(service), method.function, admission);
            let outcome = decided.map(|admission| admission.map(proof));
            Decided { door: self, parts, outcome }
        });
        Box::into_pin(decision)
    }

    fn facts(&self, method: u32) -> Option<Facts> {
        facts(&*self.service, method)
    }
}

fn facts<T: Guarded<M, S>, M, S>(service: &T, method: u32) -> Option<Facts> {
    let mut cx = Context::from_waker(Waker::noop());
    match pin!(service.visit(method, Describe)).poll(&mut cx) {
        Poll::Ready(facts) => facts,
        // Describing waits for nothing.
        Poll::Pending => None,
    }
}

pub(super) fn front_door<T, M, S>(service: Arc<T>) -> Arc<dyn FrontDoor>
where
    T: Guarded<M, S> + 'static,
    M: 'static,
    S: NamedService + 'static,
{
    let front = Front::new(S::NAME, T::WIRING.methods, |method| facts(&*service, method));
    Arc::new(Door { front, service, marker: PhantomData::<fn() -> (M, S)> })
}

/// What a front door does for any service.
pub(super) struct Front {
    name: &'static str,
    methods: &'static [MethodPolicy],
    domain: &'static str,
    sensitive: Sensitive,
    bypassed: Vec<u32>,
    refusals: Refusals,
}

impl Front {
    fn new(
        name: &'static str,
        methods: &'static [MethodPolicy],
        facts: impl Fn(u32) -> Option<Facts>,
    ) -> Self {
        let mut sensitive = Sensitive::of([AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE]);
        let mut bypassed = Vec::new();
        for method in methods {
            let Some(facts) = facts(method.key) else { continue };
            check_order(name, method, &facts);
            for leaf in facts.leaves {
                if let CredentialLocation::Header(header) = leaf.place {
                    sensitive.add(header);
                }
                if leaf.bypassed {
                    tracing::warn!(
                        target: "tonic_guard",
                        service = name,
                        method = method.rpc,
                        scheme = leaf.name,
                        "authentication is off: every caller of this method gets in",
                    );
                    bypassed.push(method.key);
                }
            }
        }
        let refusals = Refusals::default();
        Front { name, methods, domain: DOMAIN, sensitive, bypassed, refusals }
    }

    fn with_domain(&self, domain: &'static str) -> Self {
        Front {
            name: self.name,
            methods: self.methods,
            domain,
            sensitive: self.sensitive.clone(),
            bypassed: self.bypassed.clone(),
            refusals: Refusals::default(),
        }
    }

    #[cfg(feature = "server")]
    pub(super) fn domain(&self) -> &'static str {
        self.domain
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn policy(&self) -> ServicePolicy {
        let access =
            ServiceAccess::Guarded { methods: self.methods, bypassed: self.bypassed.clone() };
        ServicePolicy { service: self.name, access }
    }

    /// The policy for the call with this head, or the head of the answer to what is no call of this
    /// service's. Credentials are kept from being printed.
    pub(super) fn method(&self, parts: &mut Parts) -> Result<&'static MethodPolicy, HeaderMap> {
        if !self.mark(&mut parts.headers) || parts.method != Method::POST {
            return Err(self.unimplemented(
                "this is not a gRPC call: POST with content-type application/grpc",
            ));
        }
        let called = path_lookup::method(parts.uri.path(), self.name);
        let method = called.and_then(|called| path_lookup::find(self.methods, called));
        method.ok_or_else(|| self.unimplemented("the service has no such method"))
    }

    /// Leaves in an admitted call's head what only this crate may have put there.
    pub(super) fn admit(&self, parts: &mut Parts, proof: Option<Proof>) {
        match proof {
            // It takes the place of what the request may have brought along.
            Some(proof) => parts.extensions.insert(StandIn::Proof(proof, self.domain)),
            None => parts.extensions.remove::<StandIn>(),
        };
    }

    /// The head of the answer to a refused call. `facts` is what the door says of the method's plan.
    pub(super) fn refuse(
        &self,
        refusal: Refusal,
        method: &MethodPolicy,
        parts: &Parts,
        facts: impl FnOnce() -> Option<Facts>,
    ) -> HeaderMap {
        let rpc =
            RpcName { service: self.name, method: path_lookup::called(&parts.uri, self.name) };
        let told = catch_unwind(AssertUnwindSafe(|| {
            self.refusals.head(refusal, method, rpc, self.domain, facts)
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

/// Under `one_of` the connection decides last, wherever it is listed; a reader takes the list as it is.
fn check_order(service: &str, method: &MethodPolicy, facts: &Facts) {
    let (Access::Authenticated(checks) | Access::Optional(checks)) = method.access else { return };
    let places = || facts.leaves.iter().map(|leaf| leaf.place == CredentialLocation::Connection);
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
struct Decide<'c>(CallHead<'c>);

impl Visit for &Decide<'_> {
    type Output = Result<Option<Admission>, Refusal>;

    #[allow(clippy::manual_async_fn, reason = "an `async fn` keeps its arguments twice")]
    fn plan<P: Plan>(self, policy: u64, plan: P) -> impl Future<Output = Self::Output> + Send {
        async move {
            let mut call = Call { head: &self.0, given: None };
            let identity = pin!(run(&plan, &mut call, || Site::of(&self.0))).await?;
            Ok(Some(Admission::new(policy, identity)))
        }
    }

    fn anonymous(self) -> Self::Output {
        Ok(None)
    }

    fn unknown(self) -> Self::Output {
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
