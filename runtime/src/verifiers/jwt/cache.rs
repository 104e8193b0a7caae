//! A cache of verified tokens.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use constant_time_eq::constant_time_eq;
use quick_cache::{
    Weighter,
    sync::{Cache, DefaultLifecycle},
};
use tokio::time::Instant;

use super::{key::KeyDigest, key_set::KeySet};
use crate::verifiers::shared::lifetime::{Lifetime, Now};

/// The maximum time until the signature of a cached token is verified again.
const MAX_AGE: Duration = Duration::from_secs(5 * 60);

/// How many bytes of a token's end are hashed. They are part of the signature, so they differ.
const HASHED_BYTES: usize = 43;

/// The memory of an entry besides its token and claims: its allocations and the cache's own records.
const ENTRY_OVERHEAD: usize = 256;

/// Estimates the memory of the claims of `payload`, as a `serde_json::Value`.
///
/// They can take a hundred times the size of the payload: the map of `{"":0}` is a node with room for
/// eleven members, the list of `[0]` has room for four items, and a list that has grown may be half
/// empty. So each object, list, item and member counts as the most that it takes on 64 bits, including
/// the allocator's overhead. Brackets and commas within strings count too.
fn size_of_claims(payload: &[u8]) -> usize {
    const OBJECT: usize = 640;
    const LIST: usize = 160;
    const ITEM: usize = 96;

    let count = |mark: u8| payload.iter().filter(|byte| **byte == mark).count();
    let items = count(b',') + count(b':');
    payload.len() + OBJECT * count(b'{') + LIST * count(b'[') + ITEM * items
}

/// Verified tokens with their claims.
///
/// The hash of an entry doesn't have to withstand an attacker, because only verified tokens are inserted
/// and a look-up compares the whole token.
pub(super) struct VerifiedTokens<C> {
    entries: Cache<u64, Arc<CachedToken<C>>, Weight, RandomState>,
    hasher: RandomState,
}

struct CachedToken<C> {
    token: Box<[u8]>,
    claims: C,
    size: usize,
    lifetime: Lifetime,
    /// When the entry is too old, on the monotonic clock.
    cached_until: Instant,
    key: KeyDigest,
}

#[derive(Clone)]
struct Weight;

impl<C> Weighter<u64, Arc<CachedToken<C>>> for Weight {
    fn weight(&self, _: &u64, entry: &Arc<CachedToken<C>>) -> u64 {
        entry.size as u64
    }
}

impl<C: Clone> VerifiedTokens<C> {
    /// An empty cache that takes at most `bytes`.
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

    /// The claims of `token`, if it is cached, valid now and signed by a key that `keys` still contains.
    pub(super) fn get(&self, token: &[u8], keys: &KeySet, now: Now) -> Option<C> {
        let entry = self.entries.get(&self.hash(token))?;
        let usable = constant_time_eq(&entry.token, token)
            && now.monotonic() < entry.cached_until
            && entry.lifetime.check(now).is_ok()
            && keys.contains(entry.key);
        usable.then(|| entry.claims.clone())
    }

    /// Inserts a token that was verified with `key`.
    ///
    /// If that key has been removed since, look-ups ignore the entry.
    pub(super) fn insert(
        &self,
        token: &[u8],
        claims: C,
        payload: &[u8],
        lifetime: Lifetime,
        key: KeyDigest,
        now: Now,
    ) {
        let size =
            ENTRY_OVERHEAD + size_of::<CachedToken<C>>() + token.len() + size_of_claims(payload);
        let cached_until = now.monotonic() + lifetime.remaining(now, MAX_AGE);
        let entry = CachedToken { token: token.into(), claims, size, lifetime, cached_until, key };
        self.entries.insert(self.hash(token), Arc::new(entry));
    }

    fn hash(&self, token: &[u8]) -> u64 {
        let start = token.len().saturating_sub(HASHED_BYTES);
        self.hasher.hash_one(token.get(start..).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verifiers::jwt::Key;

    const PAYLOAD: &[u8] = br#"{"sub":"ada","exp":2000,"roles":["a","b"]}"#;

    /// The period in which the tokens of these tests are valid: from 1,000 to 2,000.
    fn lifetime() -> Lifetime {
        Lifetime::new(Some(1000.0), Some(2000.0))
    }

    fn key(id: &str) -> Key {
        Key::hs256([7; 32]).unwrap().with_id(id)
    }

    fn filled(now: Now) -> (VerifiedTokens<&'static str>, KeySet) {
        let cache = VerifiedTokens::new(1024 * 1024);
        let key = key("one");
        cache.insert(b"header.payload.signature", "ada", PAYLOAD, lifetime(), key.digest(), now);
        (cache, key.into())
    }

    #[test]
    fn cached_token_is_found_only_while_it_is_valid() {
        let start = Instant::now();
        let (cache, keys) = filled(Now::at(1500.0, start));
        for (date, expected) in [
            (1500.0, Some("ada")),
            (1999.9, Some("ada")),
            (2000.0, None),
            (3000.0, None),
            (f64::INFINITY, None),
            // The wall clock was set back.
            (1000.0, Some("ada")),
            (999.9, None),
            (0.0, None),
        ] {
            let found = cache.get(b"header.payload.signature", &keys, Now::at(date, start));
            assert_eq!(found, expected, "{date}");
        }
    }

    /// Independent of the wall clock, which may be set back.
    #[test]
    fn cached_token_is_verified_again_after_five_minutes_or_its_remaining_lifetime() {
        let start = Instant::now();
        for (date, remaining) in [(1500.0, MAX_AGE), (1990.0, Duration::from_secs(10))] {
            let (cache, keys) = filled(Now::at(date, start));
            let get = |later: Duration| {
                cache.get(b"header.payload.signature", &keys, Now::at(date, start + later))
            };
            assert_eq!(get(remaining - Duration::from_millis(1)), Some("ada"), "{date}");
            assert_eq!(get(remaining), None, "{date}");
        }
    }

    /// Also if it was inserted after the key was removed.
    #[test]
    fn cached_token_is_ignored_once_its_key_is_removed() {
        let now = Now::at(1500.0, Instant::now());
        let (cache, keys) = filled(now);
        let get = |keys: &KeySet| cache.get(b"header.payload.signature", keys, now);
        assert_eq!(get(&keys), Some("ada"));
        let both: KeySet = [key("two"), key("one")].into_iter().collect();
        assert_eq!(get(&both), Some("ada"), "one more key");
        assert_eq!(get(&[].into_iter().collect()), None, "no keys");
        assert_eq!(get(&key("two").into()), None, "the key under another id");
        assert_eq!(get(&Key::hs256([7; 32]).unwrap().into()), None, "the key without an id");
        assert_eq!(get(&Key::hs256([8; 32]).unwrap().with_id("one").into()), None, "another key");
        assert_eq!(get(&keys), Some("ada"), "the key is back");
    }

    #[test]
    fn token_that_differs_in_any_part_is_not_found() {
        let now = Now::at(1500.0, Instant::now());
        let cache = VerifiedTokens::new(1024 * 1024);
        let (key, end) = (key("one"), "s".repeat(HASHED_BYTES));
        let token = format!("header.payload.{end}");
        cache.insert(token.as_bytes(), "ada", PAYLOAD, lifetime(), key.digest(), now);
        let keys = key.into();
        assert_eq!(cache.get(token.as_bytes(), &keys, now), Some("ada"));
        for other in [
            format!("header.payloae.{end}"),
            format!("ieader.payload.{end}"),
            format!("eader.payload.{end}"),
            format!("hheader.payload.{end}"),
            end,
        ] {
            assert_eq!(cache.get(other.as_bytes(), &keys, now), None, "{other}");
        }
    }

    #[test]
    fn cache_stays_within_its_bound_and_ignores_a_token_larger_than_it() {
        let now = Now::at(1500.0, Instant::now());
        let cache = VerifiedTokens::new(100_000);
        let key = key("one");
        for number in 0..1000 {
            let token = format!("header.payload.signature-{number}");
            cache.insert(token.as_bytes(), number, PAYLOAD, lifetime(), key.digest(), now);
        }
        assert!(cache.entries.weight() <= 100_000, "{}", cache.entries.weight());
        assert!(cache.entries.len() > 10, "{}", cache.entries.len());
        for bytes in [1, 2047, 4096] {
            let small = VerifiedTokens::new(bytes);
            for number in 0..100u32 {
                let token = format!("header.payload.signature-{number}");
                small.insert(token.as_bytes(), number, PAYLOAD, lifetime(), key.digest(), now);
            }
            assert!(small.entries.weight() <= bytes as u64, "{bytes}");
        }
        let large = vec![b'x'; 200_000];
        cache.insert(&large, 1, PAYLOAD, lifetime(), key.digest(), now);
        assert_eq!(cache.get(&large, &key.into(), now), None);
    }

    /// The sizes are those of `serde_json::Value`, measured with a counting allocator and the chunk sizes
    /// of glibc.
    #[test]
    fn estimated_size_of_claims_is_at_least_their_size() {
        let list =
            |item: &str, times: usize| format!(r#"{{"a":[{}]}}"#, vec![item; times].join(","));
        let nested = |begin: &str, end: &str| format!("{}{}", begin.repeat(100), end.repeat(100));
        let members: Vec<_> = (0..1500).map(|name| format!(r#""{name:x}":0"#)).collect();
        for (payload, measured) in [
            (list("0", 4097), 262_832),
            (list("[]", 4000), 131_760),
            (list("[0]", 3000), 563_760),
            (list("[0,0,0,0,0]", 1000), 305_456),
            (list(r#"{"":0}"#, 1700), 1_154_224),
            (list(r#""a""#, 3000), 227_760),
            (list(&nested(r#"{"":"#, "}").replace("{\"\":}", "{\"\":0}"), 20), 1_281_712),
            (list(&nested("[", "]"), 50), 715_536),
            (format!("{{{}}}", members.join(",")), 208_800),
            (r#"{"text":"{[,:"}"#.into(), 800),
        ] {
            let estimated = size_of_claims(payload.as_bytes());
            assert!(estimated >= measured, "{estimated} < {measured}: {payload}");
            assert!(estimated < 10 * measured, "{estimated}: {payload}");
        }
    }
}
