//! The interface between a verifier and its keys, which are fixed or fetched.

use std::{ops::Deref, sync::Arc};

#[cfg(feature = "jwks")]
use super::remote_keys::{RemoteKeys, Trusted};
use super::{algorithm::Algorithm, key::Key, key_set::KeySet, no_match::NoMatch};
use crate::error::AuthError;

/// The source of a verifier's keys.
///
/// [`KeySet`] and [`Key`] convert into a source of fixed keys, and `RemoteKeys` (feature `jwks`) into
/// one of fetched keys.
#[derive(Clone, Debug)]
pub struct KeySource(Source);

#[derive(Clone, Debug)]
enum Source {
    Fixed(Arc<KeySet>),
    #[cfg(feature = "jwks")]
    Remote(RemoteKeys),
}

/// The keys that are trusted now, borrowed without a lock.
#[derive(Debug)]
pub(super) enum CurrentKeys<'a> {
    Fixed(&'a Arc<KeySet>),
    #[cfg(feature = "jwks")]
    Remote(Trusted),
}

impl KeySource {
    /// The keys that are trusted now, or `None` if they aren't fetched yet or are too old.
    ///
    /// It takes no lock and never waits. Each call uses it, also if its token is cached, so that a
    /// removed key stops working at once.
    pub(super) fn current(&self) -> Option<CurrentKeys<'_>> {
        match &self.0 {
            Source::Fixed(keys) => Some(CurrentKeys::Fixed(keys)),
            #[cfg(feature = "jwks")]
            Source::Remote(keys) => keys.trusted().map(CurrentKeys::Remote),
        }
    }

    /// Returns newer keys than `known`, and fetches them if necessary.
    ///
    /// `known` is the set that doesn't verify a token with this `algorithm`, or `None` if
    /// [`current`](KeySource::current) had no set. The result is a trusted set other than `known`, which may
    /// not verify the token either, or `None` if newer keys aren't available now and the token is invalid.
    ///
    /// # Errors
    /// Returns [`AuthError::unavailable`] if the keys can't be fetched, except for a failed signature.
    pub(super) async fn refetch(
        &self,
        known: Option<Arc<KeySet>>,
        algorithm: Algorithm,
        no_match: NoMatch<'_>,
    ) -> Result<Option<Arc<KeySet>>, AuthError> {
        match &self.0 {
            Source::Fixed(_) => {
                let _ = (known, algorithm, no_match);
                Ok(None)
            }
            #[cfg(feature = "jwks")]
            Source::Remote(keys) => keys.refetch(known, algorithm, no_match).await,
        }
    }
}

impl CurrentKeys<'_> {
    /// Clones the set, to hold it across an await.
    pub(super) fn to_arc(&self) -> Arc<KeySet> {
        match self {
            CurrentKeys::Fixed(keys) => Arc::clone(keys),
            #[cfg(feature = "jwks")]
            CurrentKeys::Remote(trusted) => trusted.keys(),
        }
    }
}

impl Deref for CurrentKeys<'_> {
    type Target = KeySet;

    fn deref(&self) -> &KeySet {
        match self {
            CurrentKeys::Fixed(keys) => keys,
            #[cfg(feature = "jwks")]
            CurrentKeys::Remote(trusted) => trusted,
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
