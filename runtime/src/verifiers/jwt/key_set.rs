use serde::Deserialize;

use super::{Algorithm, Key, KeyRejected, jwk, key::Thumbprint};

/// How many keys a token is tried against that names none, or one that several have.
const MAX_TRIED: usize = 8;

/// The keys that an issuer signs with. Parsed once and never changed: newer keys are another set.
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
/// // Refused: no key in it can check a signature.
/// assert!(KeySet::from_jwks(r#"{"keys": []}"#).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<Key>,
}

/// Where a JWK set comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// From the service's own configuration, which may hold secrets.
    Local,
    /// From where everyone can read it: a secret in it is no secret.
    #[cfg_attr(not(feature = "jwks"), allow(dead_code, reason = "remote keys alone need it"))]
    Published,
}

impl KeySet {
    /// A JWK set (RFC 7517, section 5) of the service's own, from a file perhaps.
    ///
    /// A key that can't be used is left out with a warning, as section 5 asks: one of another type or
    /// curve, one with an `alg` that isn't an [`Algorithm`], one with `use: enc`, an RSA key of less
    /// than 2048 bits, a secret (`oct`) of less than 256 bits. A key that names its `alg` is bound to it;
    /// one that doesn't may be used with those of its type, RSA keys with RS256 to PS512.
    ///
    /// # Errors
    /// When `document` isn't a JWK set, and when no key of it can be used.
    pub fn from_jwks(document: impl AsRef<[u8]>) -> Result<KeySet, KeyRejected> {
        let set = KeySet::read(document.as_ref(), Origin::Local)?;
        if set.is_empty() { Err(KeyRejected::NoKeys) } else { Ok(set) }
    }

    /// The usable keys of a JWK set, perhaps none.
    pub(crate) fn read(document: &[u8], origin: Origin) -> Result<KeySet, KeyRejected> {
        #[derive(Deserialize)]
        struct Jwks {
            keys: Vec<serde_json::Value>,
        }

        let jwks: Jwks = serde_json::from_slice(document).map_err(|_| KeyRejected::NotJwks)?;
        let mut keys = Vec::with_capacity(jwks.keys.len());
        for (at, value) in jwks.keys.into_iter().enumerate() {
            match jwk::key(value, origin) {
                Ok(key) => keys.push(key),
                // Keys for encryption and for newer algorithms stand in good sets.
                Err(error @ (KeyRejected::OtherUse | KeyRejected::Unknown)) => {
                    tracing::debug!(target: "tonic_guard", at, %error, "a key isn't used");
                }
                Err(error) => {
                    tracing::warn!(target: "tonic_guard", at, %error, "a key can't be used");
                }
            }
        }
        Ok(KeySet { keys })
    }

    /// Whether no key can check anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether a key has this id.
    pub(crate) fn knows(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.id() == Some(kid))
    }

    /// Whether this key is one of these.
    pub(super) fn trusts(&self, thumbprint: Thumbprint) -> bool {
        self.keys.iter().any(|key| key.thumbprint() == thumbprint)
    }

    /// The keys that a token with this header may be signed with: those with its `kid` or, where none
    /// has it, those without an id; all of them for a token without a `kid`.
    pub(super) fn candidates(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &Key> {
        let known = kid.is_some_and(|kid| self.knows(kid));
        let named = move |key: &&Key| match (kid, known) {
            (None, _) => true,
            (kid, true) => key.id() == kid,
            (_, false) => key.id().is_none(),
        };
        self.keys.iter().filter(named).filter(move |key| key.fits(algorithm)).take(MAX_TRIED)
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
