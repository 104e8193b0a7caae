//! A cache of verified passwords.

use std::time::{Duration, Instant};

use aws_lc_rs::{
    hmac::{Context, HMAC_SHA256, Key, Tag},
    rand::SystemRandom,
};
use quick_cache::sync::Cache;

use super::hash::PasswordHash;

/// The maximum number of entries. They take some 300 KiB.
const CAPACITY: usize = 4096;

/// Digests of the passwords that matched a stored hash a short while ago.
///
/// The digests have a random key of this process, so that leaked memory reveals no password. Only correct
/// passwords are inserted, so that wrong ones can't evict them.
pub(super) struct VerifiedPasswords {
    /// `None` if the system had no random bytes. Then nothing is cached.
    hmac_key: Option<Key>,
    entries: Cache<CacheKey, Instant>,
    ttl: Duration,
}

pub(super) type CacheKey = [u8; 32];

impl VerifiedPasswords {
    pub(super) fn new(ttl: Duration) -> Self {
        let hmac_key = Key::generate(HMAC_SHA256, &SystemRandom::new()).ok();
        VerifiedPasswords { hmac_key, entries: Cache::new(CAPACITY), ttl }
    }

    /// The key of an entry: a digest of user id, password and stored hash.
    ///
    /// A changed hash has another key, so that the entry of the old password isn't used any more.
    pub(super) fn key(
        &self,
        user_id: &str,
        password: &str,
        hash: &PasswordHash,
    ) -> Option<CacheKey> {
        let hmac_key = self.hmac_key.as_ref().filter(|_| !self.ttl.is_zero())?;
        let mut context = Context::with_key(hmac_key);
        // The lengths make `ab` and `c` differ from `a` and `bc`.
        for part in [user_id, password, hash.phc()] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        bytes(context.sign())
    }

    pub(super) fn contains(&self, key: Option<&CacheKey>) -> bool {
        let inserted = key.and_then(|key| self.entries.get(key));
        inserted.is_some_and(|inserted| inserted.elapsed() < self.ttl)
    }

    pub(super) fn insert(&self, key: Option<CacheKey>) {
        if let Some(key) = key {
            self.entries.insert(key, Instant::now());
        }
    }
}

fn bytes(tag: Tag) -> Option<CacheKey> {
    tag.as_ref().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verifiers::passwords::hash::Parameters;

    fn hash(password: &str) -> PasswordHash {
        Parameters::new(8, 1, 1).unwrap().hash(password).unwrap()
    }

    #[test]
    fn entry_is_specific_to_user_password_and_hash() {
        let verified = VerifiedPasswords::new(Duration::from_secs(60));
        let (one, two) = (hash("c"), hash("c"));
        let key = verified.key("ab", "c", &one);
        assert!(!verified.contains(key.as_ref()));
        verified.insert(key);
        assert!(verified.contains(verified.key("ab", "c", &one).as_ref()));
        for (user_id, password, hash) in [
            ("ab", "c", &two),
            ("a", "bc", &one),
            ("abc", "", &one),
            ("", "abc", &one),
            ("AB", "c", &one),
            ("ab", "C", &one),
            ("ab", "", &one),
        ] {
            let other = verified.key(user_id, password, hash);
            assert!(!verified.contains(other.as_ref()), "{user_id} {password}");
        }
        // Each cache has a random key.
        let other = VerifiedPasswords::new(Duration::from_secs(60));
        assert_ne!(other.key("ab", "c", &one), key);
    }

    #[test]
    fn entry_expires_after_the_ttl() {
        let hash = hash("c");
        let verified = VerifiedPasswords::new(Duration::from_millis(100));
        let key = verified.key("ab", "c", &hash);
        let begin = Instant::now();
        verified.insert(key);
        let found = verified.contains(key.as_ref());
        assert!(found || begin.elapsed() >= Duration::from_millis(100));
        std::thread::sleep(Duration::from_millis(100));
        assert!(!verified.contains(key.as_ref()));
    }

    #[test]
    fn zero_ttl_turns_the_cache_off() {
        let verified = VerifiedPasswords::new(Duration::ZERO);
        let key = verified.key("ab", "c", &hash("c"));
        assert_eq!(key, None);
        verified.insert(key);
        assert!(!verified.contains(key.as_ref()));
        assert_eq!(verified.entries.len(), 0);
    }

    #[test]
    fn number_of_entries_is_bounded() {
        let (verified, hash) = (VerifiedPasswords::new(Duration::from_secs(60)), hash("c"));
        for user in 0..3 * CAPACITY {
            verified.insert(verified.key(&user.to_string(), "c", &hash));
        }
        assert!(verified.entries.len() <= CAPACITY);
    }
}
