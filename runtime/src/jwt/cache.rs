use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::{Duration, Instant},
};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use quick_cache::{
    Weighter,
    sync::{Cache, DefaultLifecycle},
};

use super::{
    KeySet,
    key::Thumbprint,
    lifetime::{Lifetime, Now},
};

/// How long a token is believed without a look at its signature, whatever its `exp` says.
const MAX_AGE: Duration = Duration::from_secs(5 * 60);

/// How much of a token's end is hashed to find it. Ends are of signatures, which differ.
const HASHED: usize = 43;

/// What an entry costs beside its token and its claims: the allocations and the cache's own records.
const OVERHEAD: usize = 256;

/// Tokens whose signature was checked, whole, with their claims.
///
/// The hash that finds an entry needn't withstand an attacker: only verified tokens come in, and the
/// whole token is compared.
pub(super) struct VerifiedTokens<C> {
    entries: Cache<u64, Arc<Entry<C>>, Weight, RandomState>,
    hasher: RandomState,
}

struct Entry<C> {
    token: Box<[u8]>,
    claims: C,
    size: usize,
    lifetime: Lifetime,
    /// On the clock that nobody can set back.
    until: Instant,
    thumbprint: Thumbprint,
}

#[derive(Clone)]
struct Weight;

impl<C> Weighter<u64, Arc<Entry<C>>> for Weight {
    fn weight(&self, _: &u64, entry: &Arc<Entry<C>>) -> u64 {
        entry.size as u64
    }
}

impl<C: Clone> VerifiedTokens<C> {
    /// Holds no more than `bytes`.
    pub(super) fn new(bytes: usize) -> Self {
        let entries = Cache::with(
            bytes / 2048,
            bytes as u64,
            Weight,
            RandomState::new(),
            DefaultLifecycle::default(),
        );
        VerifiedTokens { entries, hasher: RandomState::new() }
    }

    /// The claims of `token`, if it was verified with a key that is still one of `keys` and is good now.
    pub(super) fn get(&self, token: &[u8], keys: &KeySet, now: Now) -> Option<C> {
        let entry = self.entries.get(&self.place(token))?;
        verify_slices_are_equal(&entry.token, token).ok()?;
        let believed = now.steady() < entry.until
            && entry.lifetime.check(now).is_ok()
            && keys.trusts(entry.thumbprint);
        believed.then(|| entry.claims.clone())
    }

    /// Keeps a token that the key `thumbprint` has signed.
    ///
    /// That key may have been removed meanwhile. Then no look-up believes the entry.
    pub(super) fn insert(
        &self,
        token: &[u8],
        claims: C,
        payload: usize,
        lifetime: Lifetime,
        thumbprint: Thumbprint,
    ) {
        let now = Now::read();
        // Texts of the payload and what parsing makes of them.
        let size = OVERHEAD + size_of::<Entry<C>>() + token.len() + 2 * payload;
        let until = now.steady() + lifetime.left(now, MAX_AGE);
        let entry = Entry { token: token.into(), claims, size, lifetime, until, thumbprint };
        self.entries.insert(self.place(token), Arc::new(entry));
    }

    fn place(&self, token: &[u8]) -> u64 {
        let start = token.len().saturating_sub(HASHED);
        self.hasher.hash_one(token.get(start..).unwrap_or_default())
    }
}
