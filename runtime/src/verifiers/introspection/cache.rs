use std::{sync::Arc, time::Duration};

use quick_cache::{Weighter, sync::Cache};
use tokio::time::Instant;

use super::{
    outcome::IntrospectionOutcome, response::ActiveToken, token_digest::TokenDigest,
    token_rejected::TokenRejected,
};
use crate::verifiers::shared::lifetime::Now;

/// The most rejections in the cache. Each takes some 64 bytes.
const MAX_REJECTIONS: usize = 16 * 1024;

/// The outcomes of earlier introspections.
pub(super) struct OutcomeCache {
    ttl: Duration,
    negative_ttl: Duration,
    active: Cache<TokenDigest, CachedToken, ByBytes>,
    /// Separate, so that bad tokens don't evict good ones.
    rejected: Cache<TokenDigest, (TokenRejected, Instant)>,
}

#[derive(Clone)]
struct CachedToken {
    token: Arc<ActiveToken>,
    until: Instant,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<TokenDigest, CachedToken> for ByBytes {
    fn weight(&self, _: &TokenDigest, cached: &CachedToken) -> u64 {
        cached.token.weight()
    }
}

impl OutcomeCache {
    pub(super) fn new(ttl: Duration, negative_ttl: Duration, bytes: u64) -> Self {
        OutcomeCache {
            ttl,
            negative_ttl,
            active: Cache::with_weighter(1024, bytes, ByBytes),
            rejected: Cache::new(MAX_REJECTIONS),
        }
    }

    pub(super) fn get(&self, digest: &TokenDigest) -> Option<IntrospectionOutcome> {
        let now = Now::read();
        if let Some(CachedToken { token, until }) = self.active.get(digest) {
            // The wall clock may have been changed since.
            if now.monotonic() < until && token.lifetime().check(now).is_ok() {
                return Some(IntrospectionOutcome::Active(token));
            }
            self.active.remove(digest);
        }
        match self.rejected.get(digest) {
            Some((reason, until)) if now.monotonic() < until => {
                Some(IntrospectionOutcome::Rejected(reason))
            }
            Some(_) => {
                self.rejected.remove(digest);
                None
            }
            None => None,
        }
    }

    /// Caches the outcome of a request that was sent at `sent`. Its age counts from then, because the token
    /// may have been revoked while the response was under way.
    pub(super) fn insert(
        &self,
        digest: TokenDigest,
        sent: Instant,
        outcome: &IntrospectionOutcome,
    ) {
        let now = Now::read();
        let age = now.monotonic().saturating_duration_since(sent);
        // `None` if the time is over already, or too long for the clock.
        let end =
            |left: Duration| now.monotonic().checked_add(left).filter(|end| *end > now.monotonic());
        match outcome {
            IntrospectionOutcome::Active(token) => {
                let left = token.lifetime().remaining(now, self.ttl.saturating_sub(age));
                if let Some(until) = end(left) {
                    self.active.insert(digest, CachedToken { token: Arc::clone(token), until });
                }
            }
            IntrospectionOutcome::Rejected(reason) => {
                if let Some(until) = end(self.negative_ttl.saturating_sub(age)) {
                    self.rejected.insert(digest, (*reason, until));
                }
            }
            IntrospectionOutcome::Unavailable(_) => {}
        }
    }
}
