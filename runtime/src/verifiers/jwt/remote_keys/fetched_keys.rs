use std::{ops::Deref, sync::Arc};

use arc_swap::Guard;
use tokio::time::Instant;

use super::fetch_schedule::FetchCause;
use crate::verifiers::jwt::key_set::KeySet;

/// The last key set that was fetched, and how long it is trusted if none follows.
#[derive(Debug)]
pub(super) struct FetchedKeys {
    pub(super) keys: Arc<KeySet>,
    /// `None` before the first fetch.
    pub(super) until: Option<Instant>,
    /// When the next set is long overdue. `None` before the first fetch.
    pub(super) overdue: Option<Instant>,
    /// The key ids that the issuer hasn't reused, as a fetch for a failed signature has found since the last
    /// scheduled one.
    pub(super) confirmed: Box<[Box<str>]>,
}

impl FetchedKeys {
    /// The state before the first fetch.
    pub(super) fn none() -> Self {
        let keys = Arc::new(KeySet::from_iter([]));
        FetchedKeys { keys, until: None, overdue: None, confirmed: Box::default() }
    }

    /// The ids of `new` that are confirmed if it replaces this set in a fetch for this cause.
    pub(super) fn confirmed_by(&self, new: &KeySet, cause: FetchCause) -> Box<[Box<str>]> {
        let unchanged = self.keys.unchanged_ids(new);
        match cause {
            FetchCause::Schedule => Box::default(),
            FetchCause::Signature => unchanged.map(Box::from).collect(),
            FetchCause::UnknownId => {
                unchanged.filter(|id| self.has_confirmed(id)).map(Box::from).collect()
            }
        }
    }

    /// Returns true if no fetch for a failed signature by this key is due before the scheduled one.
    pub(super) fn has_confirmed(&self, kid: &str) -> bool {
        self.confirmed.iter().any(|id| **id == *kid)
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
