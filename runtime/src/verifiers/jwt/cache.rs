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

use super::{KeySet, key::Thumbprint};
use crate::verifiers::shared::lifetime::{Lifetime, Now};

/// How long a token is believed without a look at its signature, whatever its `exp` says.
const MAX_AGE: Duration = Duration::from_secs(5 * 60);

/// How much of a token's end is hashed to find it. Ends are of signatures, which differ.
const HASHED: usize = 43;

/// What an entry costs beside its token and its claims: the allocations and the cache's own records.
const OVERHEAD: usize = 256;

/// What the claims of `payload` take, if their type makes no more of them than `serde_json::Value`.
///
/// That is up to a hundred times the payload: the map of `{"":0}` is a node with room for eleven members,
/// the list of `[0]` has room for four items, and one that has grown is half empty. So each object, list,
/// item and member counts for the most that it takes on 64 bits, with the allocator's own. The same
/// characters within texts count too.
fn size_of_claims(payload: &[u8]) -> usize {
    const OBJECT: usize = 640;
    const LIST: usize = 160;
    const ITEM: usize = 96;

    let count = |mark: u8| payload.iter().filter(|byte| **byte == mark).count();
    let items = count(b',') + count(b':');
    payload.len() + OBJECT * count(b'{') + LIST * count(b'[') + ITEM * items
}

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
        let believed = constant_time_eq(&entry.token, token)
            && now.steady() < entry.until
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
        payload: &[u8],
        lifetime: Lifetime,
        thumbprint: Thumbprint,
        now: Now,
    ) {
        let size = OVERHEAD + size_of::<Entry<C>>() + token.len() + size_of_claims(payload);
        let until = now.steady() + lifetime.left(now, MAX_AGE);
        let entry = Entry { token: token.into(), claims, size, lifetime, until, thumbprint };
        self.entries.insert(self.place(token), Arc::new(entry));
    }

    fn place(&self, token: &[u8]) -> u64 {
        let start = token.len().saturating_sub(HASHED);
        self.hasher.hash_one(token.get(start..).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verifiers::jwt::{Algorithm, Key};

    const PAYLOAD: &[u8] = br#"{"sub":"ada","exp":2000,"roles":["a","b"]}"#;

    /// When the tokens of these tests are good: from 1,000 to 2,000.
    fn lifetime() -> Lifetime {
        Lifetime::new(Some(1000.0), Some(2000.0))
    }

    fn key(id: &str) -> Key {
        Key::hs256([7; 32]).unwrap().with_id(id)
    }

    fn filled(now: Now) -> (VerifiedTokens<&'static str>, KeySet) {
        let cache = VerifiedTokens::new(1024 * 1024);
        let key = key("one");
        cache.insert(
            b"header.payload.signature",
            "ada",
            PAYLOAD,
            lifetime(),
            key.thumbprint(),
            now,
        );
        (cache, key.into())
    }

    #[test]
    fn a_known_token_is_found_while_it_is_good_and_no_longer() {
        let start = Instant::now();
        let (cache, keys) = filled(Now::at(1500.0, start));
        for (date, expected) in [
            (1500.0, Some("ada")),
            (1999.9, Some("ada")),
            (2000.0, None),
            (3000.0, None),
            (f64::INFINITY, None),
            // The clock was set back.
            (1000.0, Some("ada")),
            (999.9, None),
            (0.0, None),
        ] {
            let found = cache.get(b"header.payload.signature", &keys, Now::at(date, start));
            assert_eq!(found, expected, "{date}");
        }
    }

    /// Whatever the other clock says, which somebody may set back again and again.
    #[test]
    fn a_known_token_is_looked_at_again_after_five_minutes_or_when_it_should_have_ended() {
        let start = Instant::now();
        for (date, left) in [(1500.0, MAX_AGE), (1990.0, Duration::from_secs(10))] {
            let (cache, keys) = filled(Now::at(date, start));
            let get = |later: Duration| {
                cache.get(b"header.payload.signature", &keys, Now::at(date, start + later))
            };
            assert_eq!(get(left - Duration::from_millis(1)), Some("ada"), "{date}");
            assert_eq!(get(left), None, "{date}");
        }
    }

    /// Whenever it came in: an entry that is made after the rotation is no better.
    #[test]
    fn a_known_token_is_gone_with_its_key() {
        let now = Now::at(1500.0, Instant::now());
        let (cache, keys) = filled(now);
        let get = |keys: &KeySet| cache.get(b"header.payload.signature", keys, now);
        assert_eq!(get(&keys), Some("ada"));
        let both: KeySet = [key("two"), key("one")].into_iter().collect();
        assert_eq!(get(&both), Some("ada"), "a key more");
        assert_eq!(get(&[].into_iter().collect()), None, "no keys");
        assert_eq!(get(&key("two").into()), None, "the key under another id");
        assert_eq!(get(&Key::hs256([7; 32]).unwrap().into()), None, "the key without an id");
        assert_eq!(get(&Key::hs256([8; 32]).unwrap().with_id("one").into()), None, "another key");
        assert_eq!(get(&keys), Some("ada"), "and it comes back with its key");
    }

    #[test]
    fn the_whole_token_is_compared() {
        let now = Now::at(1500.0, Instant::now());
        let cache = VerifiedTokens::new(1024 * 1024);
        let (key, end) = (key("one"), "s".repeat(HASHED));
        let token = format!("header.payload.{end}");
        cache.insert(token.as_bytes(), "ada", PAYLOAD, lifetime(), key.thumbprint(), now);
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
    fn a_token_larger_than_the_cache_is_not_kept_and_many_stay_within_it() {
        let now = Now::at(1500.0, Instant::now());
        let cache = VerifiedTokens::new(100_000);
        let key = key("one");
        for number in 0..1000 {
            let token = format!("header.payload.signature-{number}");
            cache.insert(token.as_bytes(), number, PAYLOAD, lifetime(), key.thumbprint(), now);
        }
        assert!(cache.entries.weight() <= 100_000, "{}", cache.entries.weight());
        assert!(cache.entries.len() > 10, "{}", cache.entries.len());
        for bytes in [1, 2047, 4096] {
            let small = VerifiedTokens::new(bytes);
            for number in 0..100u32 {
                let token = format!("header.payload.signature-{number}");
                small.insert(token.as_bytes(), number, PAYLOAD, lifetime(), key.thumbprint(), now);
            }
            assert!(small.entries.weight() <= bytes as u64, "{bytes}");
        }
        let large = vec![b'x'; 200_000];
        cache.insert(&large, 1, PAYLOAD, lifetime(), key.thumbprint(), now);
        assert_eq!(cache.get(&large, &key.into(), now), None);
    }

    /// What `serde_json::Value` takes for each, as an allocator that counts has seen it, its chunks those of
    /// glibc.
    #[test]
    fn claims_count_for_no_less_than_they_take() {
        let list =
            |item: &str, times: usize| format!(r#"{{"a":[{}]}}"#, vec![item; times].join(","));
        let nested = |begin: &str, end: &str| format!("{}{}", begin.repeat(100), end.repeat(100));
        let members: Vec<_> = (0..1500).map(|name| format!(r#""{name:x}":0"#)).collect();
        for (payload, taken) in [
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
            let counted = size_of_claims(payload.as_bytes());
            assert!(counted >= taken, "{counted} < {taken}: {payload}");
            assert!(counted < 10 * taken, "{counted}: {payload}");
        }
    }

    /// A key that comes back for another algorithm, or under another id, is another key.
    #[test]
    fn a_thumbprint_names_key_id_and_algorithms() {
        let pem = "-----BEGIN PUBLIC KEY-----\n\
            MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
            -----END PUBLIC KEY-----";
        let pem = || Key::from_pem(Algorithm::EdDSA, pem).unwrap();
        let secret = |byte: u8| Key::hs256([byte; 32]).unwrap();
        let prints = [
            pem(),
            pem().with_id(""),
            pem().with_id("one"),
            pem().with_id("two"),
            secret(7),
            secret(7).with_id("one"),
            secret(8).with_id("one"),
        ]
        .map(|key| key.thumbprint());
        for (at, one) in prints.iter().enumerate() {
            assert!(!prints.iter().skip(at + 1).any(|other| one == other), "{at}");
        }
        assert_eq!(
            pem().with_id("two").with_id("one").thumbprint(),
            pem().with_id("one").thumbprint()
        );
    }
}
