//! The answers to refused calls, each encoded once and then shared.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use http::HeaderMap;
use tonic::Status;

use crate::{
    evaluate::rejection::{Facts, Reason, Refusal},
    policy::MethodPolicy,
    scheme::RpcName,
};

/// A method, a reason and the scheme that decided, if one did.
type Key = (u32, Reason, Option<usize>);

/// Heads of responses by method, reason and deciding scheme: as many as the policies have, no more.
#[derive(Default)]
pub(super) struct Refusals(RwLock<HashMap<Key, HeaderMap>>);

impl Refusals {
    /// The head of the response that tells the caller of `refusal`.
    pub(super) fn head(
        &self,
        refusal: Refusal,
        method: &MethodPolicy,
        rpc: RpcName<'_>,
        domain: &str,
        facts: impl FnOnce() -> Option<Facts>,
    ) -> HeaderMap {
        let encode = |refusal: Refusal| {
            let none = || Facts { leaves: Vec::new(), scopes: Cow::Borrowed(&[]) };
            let facts = facts().unwrap_or_else(none);
            response_head(refusal.into_status(&facts, domain, Some(rpc)))
        };
        let Refusal::Ours { reason, leaf, .. } = refusal else {
            return encode(refusal);
        };
        // A caller may name one method in several ways; the answer says the name it used. Only the
        // method's own is worth keeping, or callers would choose how much is kept.
        if rpc.method != method.rpc {
            return encode(refusal);
        }
        let key = (method.key, reason, leaf);
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        kept.unwrap_or_else(|| {
            let head = encode(refusal);
            self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key, head.clone());
            head
        })
    }
}

/// A status as the head of a trailers-only response.
pub(super) fn response_head(status: Status) -> HeaderMap {
    status.into_http::<()>().into_parts().0.headers
}
