//! A cache of encoded rejections.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use http::HeaderMap;
use tonic::Status;

use crate::{
    evaluate::{description::PolicyDescription, rejection::Rejection},
    policy::MethodPolicy,
    reason::Reason,
    scheme::RpcName,
};

/// The key of a method, the reason, and the index of the scheme that decided, if one decided.
type Key = (u32, Reason, Option<usize>);

/// The heads of responses to rejected calls, each encoded once.
///
/// The policies of a service bound the number of entries.
#[derive(Default)]
pub(super) struct RejectionCache(RwLock<HashMap<Key, HeaderMap>>);

impl RejectionCache {
    /// The head of the response for `rejection`.
    pub(super) fn response_head(
        &self,
        rejection: Rejection,
        method: &MethodPolicy,
        rpc: RpcName<'_>,
        domain: &str,
        describe: impl FnOnce() -> Option<PolicyDescription>,
    ) -> HeaderMap {
        let encode = |rejection: Rejection| {
            let description = describe().unwrap_or_else(PolicyDescription::empty);
            response_head(rejection.into_status(&description, domain, Some(rpc)))
        };
        let Rejection::Standard { reason, scheme, .. } = rejection else {
            return encode(rejection);
        };
        let key = (method.key, reason, scheme);
        let cached = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        cached.unwrap_or_else(|| {
            let head = encode(rejection);
            self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key, head.clone());
            head
        })
    }
}

/// The head of the trailers-only response with `status`.
pub(super) fn response_head(status: Status) -> HeaderMap {
    status.into_http::<()>().into_parts().0.headers
}
