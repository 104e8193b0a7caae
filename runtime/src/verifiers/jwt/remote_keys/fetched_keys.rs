use std::{ops::Deref, sync::Arc};

use arc_swap::Guard;
use tokio::time::Instant;

use crate::verifiers::jwt::key_set::KeySet;

/// The last key set that was fetched, and how long it is trusted if none follows.
#[derive(Debug)]
pub(super) struct FetchedKeys {
    pub(super) keys: Arc<KeySet>,
    /// `None` before the first fetch.
    pub(super) until: Option<Instant>,
    /// When the next set is long overdue. `None` before the first fetch.
    pub(super) overdue: Option<Instant>,
}

impl FetchedKeys {
    /// The state before the first fetch.
    pub(super) fn none() -> Self {
        FetchedKeys { keys: Arc::new(KeySet::from_iter([])), until: None, overdue: None }
    }
}

/// The keys that are trusted now, borrowed for one lookup.
#[derive(Debug)]
pub(in crate::verifiers::jwt) struct Trusted(pub(super) Guard<Arc<FetchedKeys>>);

impl Trusted {
    /// The same keys, to keep across an `await`.
    pub(in crate::verifiers::jwt) fn keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.0.keys)
    }

    /// Returns true if the next set is long overdue.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        self.0.overdue.is_some_and(|overdue| overdue <= now)
    }
}

impl Deref for Trusted {
    type Target = KeySet;

    fn deref(&self) -> &KeySet {
        &self.0.keys
    }
}
