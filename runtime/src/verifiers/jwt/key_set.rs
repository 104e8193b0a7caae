use serde::Deserialize;

use super::{
    algorithm::Algorithm,
    byte_order_mark::without_bom,
    jwk::{self, Origin},
    key::{Key, KeyDigest},
    key_rejected::KeyRejected,
};

/// The maximum number of keys that one token is verified with, if its `kid` doesn't choose one.
const MAX_CANDIDATES: usize = 8;

/// The keys of an issuer. They are parsed once and never change: new keys make a new set.
///
/// ```
/// use tonic_guard::jwt::KeySet;
///
/// # fn main() -> Result<(), tonic_guard::jwt::KeyRejected> {
/// let keys = KeySet::from_jwks(
///     r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "2026-11",
///        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
/// )?;
///
/// // Rejected: the set has no usable key.
/// assert!(KeySet::from_jwks(r#"{"keys": []}"#).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<Key>,
}

impl KeySet {
    /// Parses a JWK set (RFC 7517, section 5) from the service's own configuration, such as a file.
    ///
    /// An unusable key is skipped with an event, as section 5 asks: a key of an unsupported type or
    /// curve, a key whose `alg` isn't an [`Algorithm`], a key with `use: enc`, an RSA key of less
    /// than 2048 bits, a secret (`oct`) that is shorter
    /// than the hash of its `alg`. A key with an `alg` is bound to it. A
    /// key without one is bound to the algorithms of its type, an RSA key to RS256 to PS512, a secret to
    /// HS256 alone.
    ///
    /// # Errors
    /// Returns an error if `document` isn't a JWK set or has no usable key.
    pub fn from_jwks(document: impl AsRef<[u8]>) -> Result<KeySet, KeyRejected> {
        let set = KeySet::parse(document.as_ref(), Origin::Local)?;
        if set.is_empty() { Err(KeyRejected::NoKeys) } else { Ok(set) }
    }

    /// Parses a JWK set. The result may be empty.
    pub(crate) fn parse(document: &[u8], origin: Origin) -> Result<KeySet, KeyRejected> {
        #[derive(Deserialize)]
        struct Jwks {
            keys: Vec<serde_json::Value>,
        }

        let jwks: Jwks =
            serde_json::from_slice(without_bom(document)).map_err(|_| KeyRejected::NotJwks)?;
        let mut keys = Vec::with_capacity(jwks.keys.len());
        for (at, value) in jwks.keys.into_iter().enumerate() {
            match jwk::parse(value, origin) {
                Ok(key) => keys.push(key),
                // Valid sets have keys for encryption and for newer algorithms too.
                Err(error @ (KeyRejected::OtherUse | KeyRejected::Unsupported)) => {
                    tracing::debug!(target: "tonic_guard", at, %error, "skipped a key of a JWK set");
                }
                Err(error) => {
                    tracing::warn!(target: "tonic_guard", at, %error, "skipped a bad key of a JWK set");
                }
            }
        }
        Ok(KeySet { keys })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns whether a key has this id.
    pub(crate) fn contains_id(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.id() == Some(kid))
    }

    /// The ids that have the same keys in `other`, for the same algorithms.
    #[cfg(feature = "jwks")]
    pub(super) fn unchanged_ids<'a>(&'a self, other: &'a KeySet) -> impl Iterator<Item = &'a str> {
        let same = |one: &KeySet, two: &KeySet, id: &str| {
            let mut keys = one.keys.iter().filter(|key| key.id() == Some(id));
            keys.all(|key| two.contains(key.digest()))
        };
        let ids = self.keys.iter().filter_map(Key::id);
        ids.filter(move |id| same(self, other, id) && same(other, self, id))
    }

    /// Returns whether the set contains the key with this digest.
    pub(super) fn contains(&self, digest: KeyDigest) -> bool {
        self.keys.iter().any(|key| key.digest() == digest)
    }

    /// The keys that may have signed a token with this `kid` and algorithm.
    ///
    /// For a `kid` of the set these are the keys with that id, for another `kid` those without an id,
    /// and without a `kid` all keys.
    pub(super) fn candidates(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &Key> {
        let known = kid.is_some_and(|kid| self.contains_id(kid));
        let matches_kid = move |key: &&Key| match (kid, known) {
            (None, _) => true,
            (kid, true) => key.id() == kid,
            (_, false) => key.id().is_none(),
        };
        self.keys
            .iter()
            .filter(matches_kid)
            .filter(move |key| key.supports(algorithm))
            .take(MAX_CANDIDATES)
    }
}

impl From<Key> for KeySet {
    fn from(key: Key) -> Self {
        KeySet { keys: vec![key] }
    }
}

impl FromIterator<Key> for KeySet {
    fn from_iter<T: IntoIterator<Item = Key>>(keys: T) -> Self {
        KeySet { keys: keys.into_iter().collect() }
    }
}
