//! Passwords that were found right a short while ago.

use std::time::{Duration, Instant};

use aws_lc_rs::{
    hmac::{Context, HMAC_SHA256, Key, Tag},
    rand::SystemRandom,
};
use quick_cache::sync::Cache;

use super::PasswordHash;

/// How many are remembered: some 300 KiB.
const CAPACITY: usize = 4096;

/// Remembers that a user's password was right for the stored hash: by a digest under a key that this
/// process drew, so that memory that leaks tells nothing of passwords.
///
/// Only what was verified enters. Wrong passwords can't push right ones out.
pub(super) struct Verified {
    /// `None` where the system had no random bytes: nothing is remembered then.
    key: Option<Key>,
    cache: Cache<Entry, Instant>,
    max_age: Duration,
}

type Entry = [u8; 32];

impl Verified {
    pub(super) fn new(max_age: Duration) -> Self {
        let key = Key::generate(HMAC_SHA256, &SystemRandom::new()).ok();
        Verified { key, cache: Cache::new(CAPACITY), max_age }
    }

    /// What stands for this user with this password and this stored hash. Another hash is another entry, so
    /// a changed password ends the old one's at once.
    pub(super) fn entry(
        &self,
        user_id: &str,
        password: &str,
        hash: &PasswordHash,
    ) -> Option<Entry> {
        let key = self.key.as_ref().filter(|_| !self.max_age.is_zero())?;
        let mut context = Context::with_key(key);
        // With their lengths: `ab` and `c` isn't `a` and `bc`.
        for part in [user_id, password, hash.phc()] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        bytes(context.sign())
    }

    pub(super) fn holds(&self, entry: Option<&Entry>) -> bool {
        let since = entry.and_then(|entry| self.cache.get(entry));
        since.is_some_and(|since| since.elapsed() < self.max_age)
    }

    pub(super) fn insert(&self, entry: Option<Entry>) {
        if let Some(entry) = entry {
            self.cache.insert(entry, Instant::now());
        }
    }
}

fn bytes(tag: Tag) -> Option<Entry> {
    tag.as_ref().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verifiers::passwords::Parameters;

    fn hash(password: &str) -> PasswordHash {
        Parameters::new(8, 1, 1).unwrap().hash(password).unwrap()
    }

    #[test]
    fn an_entry_is_of_one_user_one_password_and_one_hash() {
        let verified = Verified::new(Duration::from_secs(60));
        let (one, two) = (hash("c"), hash("c"));
        let entry = verified.entry("ab", "c", &one);
        assert!(!verified.holds(entry.as_ref()));
        verified.insert(entry);
        assert!(verified.holds(verified.entry("ab", "c", &one).as_ref()));
        for (user_id, password, hash) in [
            ("ab", "c", &two),
            ("a", "bc", &one),
            ("abc", "", &one),
            ("", "abc", &one),
            ("AB", "c", &one),
            ("ab", "C", &one),
            ("ab", "", &one),
        ] {
            let other = verified.entry(user_id, password, hash);
            assert!(!verified.holds(other.as_ref()), "{user_id} {password}");
        }
        // Another process has another key.
        let other = Verified::new(Duration::from_secs(60));
        assert_ne!(other.entry("ab", "c", &one), entry);
    }

    #[test]
    fn an_entry_ends_with_its_age() {
        let hash = hash("c");
        let verified = Verified::new(Duration::from_millis(100));
        let entry = verified.entry("ab", "c", &hash);
        let begin = Instant::now();
        verified.insert(entry);
        let held = verified.holds(entry.as_ref());
        assert!(held || begin.elapsed() >= Duration::from_millis(100));
        std::thread::sleep(Duration::from_millis(100));
        assert!(!verified.holds(entry.as_ref()));
    }

    #[test]
    fn nothing_is_remembered_for_no_time_at_all() {
        let verified = Verified::new(Duration::ZERO);
        let entry = verified.entry("ab", "c", &hash("c"));
        assert_eq!(entry, None);
        verified.insert(entry);
        assert!(!verified.holds(entry.as_ref()));
        assert_eq!(verified.cache.len(), 0);
    }

    #[test]
    fn no_more_are_held_than_the_bound() {
        let (verified, hash) = (Verified::new(Duration::from_secs(60)), hash("c"));
        for user in 0..3 * CAPACITY {
            verified.insert(verified.entry(&user.to_string(), "c", &hash));
        }
        assert!(verified.cache.len() <= CAPACITY);
    }
}
