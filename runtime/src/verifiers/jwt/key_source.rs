//! The interface between a verifier and its keys, which are fixed or fetched.

use std::{ops::Deref, sync::Arc};

#[cfg(feature = "jwks")]
use super::remote_keys::{RemoteKeys, Trusted};
use super::{algorithm::Algorithm, key::Key, key_set::KeySet, no_match::NoMatch};
use crate::error::AuthError;

/// The source of a verifier's keys, or several.
///
/// [`KeySet`] and [`Key`] convert into a source of fixed keys, and `RemoteKeys` (feature `jwks`) into
/// one of fetched keys.
#[derive(Clone, Debug)]
pub struct KeySource(Arc<[LimitedSource]>);

/// One source with the algorithms that its keys may be used for.
#[derive(Clone, Debug)]
pub(super) struct LimitedSource {
    source: Source,
    /// `None` permits all that its keys are bound to.
    algorithms: Option<Vec<Algorithm>>,
}

#[derive(Clone, Debug)]
enum Source {
    Fixed(Arc<KeySet>),
    #[cfg(feature = "jwks")]
    Remote(RemoteKeys),
}

impl KeySource {
    /// Trusts the keys of all these sources: of an issuer that signs with keys from several places.
    ///
    /// Each source keeps its own keys, algorithms and budget of fetches. Where two have a key with the token's
    /// `kid`, both are tried. One that can't be reached doesn't affect the tokens of the others. An empty list
    /// rejects every token.
    ///
    /// ```
    /// use tonic_guard::jwt::{Algorithm, Claims, JwtVerifier, Key, KeySource};
    ///
    /// # fn main() -> Result<(), tonic_guard::jwt::KeyRejected> {
    /// # let pem = "-----BEGIN PUBLIC KEY-----
    /// # MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
    /// # -----END PUBLIC KEY-----";
    /// let public = KeySource::from(Key::from_pem(Algorithm::EdDSA, pem)?);
    /// let secret = KeySource::from(Key::hs256("a secret of at least 256 bits!!!")?);
    /// let keys = KeySource::any_of([public.algorithms([Algorithm::EdDSA]), secret]);
    /// let verifier: JwtVerifier<Claims> =
    ///     JwtVerifier::any_jwt("https://id.example", "https://orders.example").build(keys);
    /// # Ok(())
    /// # }
    /// ```
    pub fn any_of(sources: impl IntoIterator<Item = KeySource>) -> KeySource {
        KeySource(sources.into_iter().flat_map(|source| source.0.to_vec()).collect())
    }

    /// Uses the keys for these algorithms only, in addition to what each key is bound to. A token with another
    /// `alg` isn't verified by this source, and never makes it fetch.
    #[must_use]
    pub fn algorithms(self, algorithms: impl IntoIterator<Item = Algorithm>) -> KeySource {
        let permitted: Vec<_> = algorithms.into_iter().collect();
        let limited = self.0.iter().map(|source| {
            let algorithms =
                permitted.iter().copied().filter(|algorithm| source.allows(*algorithm));
            LimitedSource { algorithms: Some(algorithms.collect()), source: source.source.clone() }
        });
        KeySource(limited.collect())
    }

    pub(super) fn sources(&self) -> &[LimitedSource] {
        &self.0
    }

    fn new(source: Source) -> KeySource {
        KeySource(Arc::new([LimitedSource { source, algorithms: None }]))
    }
}

/// The keys that are trusted now, borrowed without a lock.
#[derive(Debug)]
pub(super) enum CurrentKeys<'a> {
    Fixed(&'a Arc<KeySet>),
    #[cfg(feature = "jwks")]
    Remote(Trusted),
}

impl LimitedSource {
    /// Returns whether the source may verify tokens with this algorithm.
    pub(super) fn allows(&self, algorithm: Algorithm) -> bool {
        self.algorithms.as_ref().is_none_or(|permitted| permitted.contains(&algorithm))
    }

    /// The keys that are trusted now, or `None` if they aren't fetched yet or are too old.
    ///
    /// It takes no lock and never waits. Each call uses it, also if its token is cached, so that a
    /// removed key stops working at once.
    pub(super) fn current(&self) -> Option<CurrentKeys<'_>> {
        match &self.source {
            Source::Fixed(keys) => Some(CurrentKeys::Fixed(keys)),
            #[cfg(feature = "jwks")]
            Source::Remote(keys) => keys.trusted().map(CurrentKeys::Remote),
        }
    }

    /// Returns newer keys than `known`, and fetches them if necessary.
    ///
    /// `known` is the set that doesn't verify a token with this `algorithm`, or `None` if
    /// [`current`](LimitedSource::current) had no set. The result is a trusted set other than `known`, which may
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
        match &self.source {
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
        KeySource::new(Source::Fixed(Arc::new(keys)))
    }
}

#[cfg(feature = "jwks")]
impl From<RemoteKeys> for KeySource {
    fn from(keys: RemoteKeys) -> Self {
        KeySource::new(Source::Remote(keys))
    }
}

impl From<Key> for KeySource {
    fn from(key: Key) -> Self {
        KeySet::from(key).into()
    }
}
