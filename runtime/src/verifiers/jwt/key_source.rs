//! The seam between the verifier and its keys: who holds them, and whom to ask for newer ones.

use std::{ops::Deref, sync::Arc};

#[cfg(feature = "jwks")]
use super::remote_keys::{RemoteKeys, Trusted};
use super::{Key, KeySet};
use crate::error::AuthError;

/// Where a verifier's keys come from.
///
/// [`KeySet`] and [`Key`] convert into it: keys that stay as they are. So do `RemoteKeys`, with the
/// feature `jwks`.
#[derive(Clone, Debug)]
pub struct KeySource(Source);

#[derive(Clone, Debug)]
enum Source {
    Fixed(Arc<KeySet>),
    #[cfg(feature = "jwks")]
    Remote(RemoteKeys),
}

/// The keys that are trusted now, for the length of one look. No lock is held by it.
#[derive(Debug)]
pub(super) enum Current<'a> {
    Fixed(&'a Arc<KeySet>),
    #[cfg(feature = "jwks")]
    Remote(Trusted),
}

impl KeySource {
    /// The keys that are trusted now. It takes no lock and never waits.
    ///
    /// `None` when there are none: not fetched yet, or too old to be believed. It is asked for every
    /// call, also for one whose token is in the cache, so keys that stop being trusted are gone at once.
    pub(super) fn current(&self) -> Option<Current<'_>> {
        match &self.0 {
            Source::Fixed(keys) => Some(Current::Fixed(keys)),
            #[cfg(feature = "jwks")]
            Source::Remote(keys) => keys.trusted().map(Current::Remote),
        }
    }

    /// Asks for keys that may know more than `seen`: the set that was looked at and has no key for a
    /// token's `kid`, or `None` where [`current`](KeySource::current) had no set.
    ///
    /// `Ok(Some(..))` is another set than `seen`, trusted now: perhaps one that was put in place
    /// meanwhile, without a fetch. It may not know the `kid` either. `Ok(None)` says that there is
    /// nothing newer to be had now, so that the token is invalid.
    ///
    /// # Errors
    /// [`AuthError::unavailable`] when nobody can tell now whether the token is good.
    pub(super) async fn refetch(
        &self,
        seen: Option<Arc<KeySet>>,
    ) -> Result<Option<Arc<KeySet>>, AuthError> {
        match &self.0 {
            // It stays as it is.
            Source::Fixed(_) => {
                drop(seen);
                Ok(None)
            }
            #[cfg(feature = "jwks")]
            Source::Remote(keys) => keys.refetch(seen).await,
        }
    }
}

impl Current<'_> {
    /// These keys, to keep across a wait.
    pub(super) fn to_arc(&self) -> Arc<KeySet> {
        match self {
            Current::Fixed(keys) => Arc::clone(keys),
            #[cfg(feature = "jwks")]
            Current::Remote(trusted) => trusted.keys(),
        }
    }
}

impl Deref for Current<'_> {
    type Target = KeySet;

    fn deref(&self) -> &KeySet {
        match self {
            Current::Fixed(keys) => keys,
            #[cfg(feature = "jwks")]
            Current::Remote(trusted) => trusted,
        }
    }
}

impl From<KeySet> for KeySource {
    fn from(keys: KeySet) -> Self {
        KeySource(Source::Fixed(Arc::new(keys)))
    }
}

#[cfg(feature = "jwks")]
impl From<RemoteKeys> for KeySource {
    fn from(keys: RemoteKeys) -> Self {
        KeySource(Source::Remote(keys))
    }
}

impl From<Key> for KeySource {
    fn from(key: Key) -> Self {
        KeySet::from(key).into()
    }
}
