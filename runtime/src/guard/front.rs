//! What the front door decides of a call's head.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
};

use http::{
    HeaderMap, HeaderName, Method,
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
    policy::{Kind, MethodPolicy, ServicePolicy},
    proof::{Proof, instance},
    refusal::{Facts, Reason, Refusal},
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

pub(crate) struct Front<T> {
    service: Arc<T>,
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

impl<T> Front<T> {
    pub(super) fn new<M, S>(service: Arc<T>, domain: &'static str) -> Self
    where
        T: Guarded<M, S>,
        S: NamedService,
    {
        let methods = T::WIRING.methods;
        let mut sensitive = vec![AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE];
        let mut bypassed = Vec::new();
        for method in methods {
            let Some(facts) = service.visit(method.key, Describe) else { continue };
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
            service,
            name: S::NAME,
            methods,
            domain,
            sensitive,
            bypassed,
            refusals: Refusals::default(),
        }
    }

    pub(super) fn with_domain(&self, domain: &'static str) -> Self {
        Front {
            service: Arc::clone(&self.service),
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
    pub(super) async fn decide<M, S>(&self, parts: &mut Parts) -> Answer
    where
        T: Guarded<M, S>,
    {
        self.clean(parts);
        if !is_grpc(parts) {
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
        let visitor = Decide { head, rpc, instance: instance(&*self.service), domain: self.domain };
        // Visiting runs the expressions of the attribute, which may panic as well.
        let decided =
            refusing_panics(async { self.service.visit(method.key, visitor).await }).await;
        match decided {
            Ok(proof) => Answer::Admit(proof),
            Err(refusal) => Answer::Refuse(self.refuse::<M, S>(refusal, method, rpc)),
        }
    }

    /// The head of the answer to a refused call.
    fn refuse<M, S>(&self, refusal: Refusal, method: &MethodPolicy, rpc: RpcName<'_>) -> HeaderMap
    where
        T: Guarded<M, S>,
    {
        let describe = || self.service.visit(method.key, Describe);
        let told = catch_unwind(AssertUnwindSafe(|| {
            self.refusals.head(refusal, method, rpc, self.domain, describe)
        }));
        // An expression of the attribute that panics when the call is decided does so here again.
        told.unwrap_or_else(|_| response_head(Status::internal(Reason::Internal.message())))
    }

    /// Removes what only this crate may have put there, and keeps credentials from being printed.
    fn clean(&self, parts: &mut Parts) {
        parts.extensions.remove::<Proof>();
        parts.extensions.remove::<CallAs>();
        for name in &*self.sensitive {
            if let http::header::Entry::Occupied(mut values) = parts.headers.entry(name) {
                values.iter_mut().for_each(|value| value.set_sensitive(true));
            }
        }
    }

    fn unimplemented(&self, why: &'static str) -> Answer {
        tracing::debug!(target: "tonic_guard", service = self.name, outcome = "refused", reason = "UNIMPLEMENTED", why);
        Answer::Refuse(response_head(Status::unimplemented(why)))
    }
}

/// tonic runs its handlers for other methods and content types too.
fn is_grpc(parts: &Parts) -> bool {
    const GRPC: &str = "application/grpc";

    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    parts.method == Method::POST
        && content_type.is_some_and(|value| {
            let (media_type, rest) = value.split_at_checked(GRPC.len()).unwrap_or_default();
            media_type.eq_ignore_ascii_case(GRPC)
                && matches!(rest.bytes().next(), None | Some(b'+' | b';' | b' '))
        })
}

/// Runs the plan.
struct Decide<'s> {
    head: CallHead<'s>,
    rpc: RpcName<'s>,
    instance: usize,
    domain: &'static str,
}

impl<'s> Visit<'s> for Decide<'s> {
    type Output = Pin<Box<dyn Future<Output = Result<Option<Proof>, Refusal>> + Send + 's>>;

    fn plan<P: Plan + 's>(self, policy: u64, plan: P) -> Self::Output {
        Box::pin(async move {
            let site = Site { service: Some(self.rpc.service), method: self.rpc.method };
            let identity = run(&plan, Call { head: self.head, given: None }, site).await?;
            Ok(Some(Proof::new(self.instance, policy, self.domain, identity)))
        })
    }

    fn anonymous(self) -> Self::Output {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn unknown(self) -> Self::Output {
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
    fn only_posts_of_grpc_are_calls() {
        let parts = |method: Method, content_type: Option<&str>| {
            let mut request = http::Request::builder().method(method);
            if let Some(value) = content_type {
                request = request.header(CONTENT_TYPE, value);
            }
            request.body(()).unwrap().into_parts().0
        };
        for value in
            ["application/grpc", "application/grpc+proto", "Application/GRPC; charset=utf-8"]
        {
            assert!(is_grpc(&parts(Method::POST, Some(value))), "{value}");
        }
        for value in [
            "application/grpc-web",
            "application/grpc-web+proto",
            "application/grp",
            "text/plain",
            "",
        ] {
            assert!(!is_grpc(&parts(Method::POST, Some(value))), "{value}");
        }
        assert!(!is_grpc(&parts(Method::POST, None)));
        for method in [Method::GET, Method::PUT, Method::OPTIONS, Method::HEAD] {
            assert!(!is_grpc(&parts(method, Some("application/grpc"))));
        }
    }
}
