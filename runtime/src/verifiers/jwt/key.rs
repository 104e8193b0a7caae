use std::fmt;

use aws_lc_rs::{
    encoding::AsDer,
    hmac,
    rsa::PublicEncryptingKey,
    signature::{ParsedPublicKey, RsaPublicKeyComponents},
};

use super::{algorithm::Algorithm, issuer_pattern::IssuerPattern, key_rejected::KeyRejected, pem};
use crate::verifiers::shared::digest::sha256;

/// A key that verifies signatures. It is parsed once and bound to its algorithms.
///
/// ```
/// use tonic_guard::jwt::{Algorithm, Key, KeySet};
///
/// # fn main() -> Result<(), tonic_guard::jwt::KeyRejected> {
/// let pem = "-----BEGIN PUBLIC KEY-----
/// MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
/// -----END PUBLIC KEY-----";
/// let keys = KeySet::from(Key::from_pem(Algorithm::EdDSA, pem)?.with_id("2026-11"));
///
/// // Rejected: the secret is short enough to be guessed.
/// assert!(Key::hs256("secret").is_err());
/// # Ok(())
/// # }
/// ```
pub struct Key {
    id: Option<Box<str>>,
    /// The issuer that the key may sign for. `None` leaves it to the verifier.
    issuer: Option<IssuerPattern>,
    verifying_keys: Vec<(Algorithm, VerifyingKey)>,
    /// The SHA-256 of the secret or of the public key's DER.
    material: [u8; 32],
    digest: KeyDigest,
}

/// A digest of a key, its id, its issuer and its algorithms.
///
/// The same key under another id, for another issuer or for other algorithms has another digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyDigest([u8; 32]);

enum VerifyingKey {
    Secret(Box<hmac::Key>),
    Public(ParsedPublicKey),
}

impl Key {
    /// Parses a public key in PEM, for `algorithm` alone: `BEGIN PUBLIC KEY` (RFC 5280) or `BEGIN RSA
    /// PUBLIC KEY` (RFC 8017).
    ///
    /// # Errors
    /// Returns an error if `pem` isn't exactly one public key for `algorithm`, or if an RSA key has
    /// less than 2048 or more than 8192 bits.
    pub fn from_pem(algorithm: Algorithm, pem: impl AsRef<[u8]>) -> Result<Key, KeyRejected> {
        let der = pem::public_key(pem.as_ref())?;
        Key::public(&[algorithm], |algorithm| {
            let parameters = algorithm.public().ok_or(KeyRejected::WrongAlgorithm)?;
            ParsedPublicKey::new(parameters, &der).map_err(|_| KeyRejected::Unreadable)
        })
    }

    /// A secret for HS256. Everyone who has it can sign tokens, also services that only verify them.
    ///
    /// # Errors
    /// Returns an error if the secret has less than 256 bits (RFC 8725, section 3.5), or if it is a key
    /// in PEM or DER, because a public key isn't a secret.
    pub fn hs256(secret: impl AsRef<[u8]>) -> Result<Key, KeyRejected> {
        Key::secret(Algorithm::HS256, secret.as_ref())
    }

    /// A secret for HS384, otherwise as [`hs256`](Key::hs256).
    ///
    /// # Errors
    /// As for [`hs256`](Key::hs256), with at least 384 bits.
    pub fn hs384(secret: impl AsRef<[u8]>) -> Result<Key, KeyRejected> {
        Key::secret(Algorithm::HS384, secret.as_ref())
    }

    /// A secret for HS512, otherwise as [`hs256`](Key::hs256).
    ///
    /// # Errors
    /// As for [`hs256`](Key::hs256), with at least 512 bits.
    pub fn hs512(secret: impl AsRef<[u8]>) -> Result<Key, KeyRejected> {
        Key::secret(Algorithm::HS512, secret.as_ref())
    }

    pub(super) fn secret(algorithm: Algorithm, secret: &[u8]) -> Result<Key, KeyRejected> {
        let hmac = algorithm.secret().ok_or(KeyRejected::WrongAlgorithm)?;
        // The minimum is the size of the hash (RFC 7518, section 3.2).
        if secret.len() < hmac.digest_algorithm().output_len() {
            return Err(KeyRejected::ShortSecret);
        }
        if pem::looks_like_key(secret) {
            return Err(KeyRejected::NotSecret);
        }
        let key = VerifyingKey::Secret(Box::new(hmac::Key::new(hmac, secret)));
        Ok(Key::new(vec![(algorithm, key)], secret))
    }

    /// Sets the id, which a token's `kid` refers to.
    ///
    /// A key without an id is tried for every token whose `kid` isn't that of another key.
    #[must_use]
    pub fn with_id(self, id: impl Into<String>) -> Key {
        Key { id: Some(id.into().into_boxed_str()), ..self }.with_new_digest()
    }

    /// Limits the key to tokens of one issuer.
    pub(super) fn for_issuer(self, issuer: IssuerPattern) -> Key {
        Key { issuer: Some(issuer), ..self }.with_new_digest()
    }

    /// Returns whether the key may sign tokens of this issuer.
    pub(super) fn may_sign_for(&self, issuer: &str) -> bool {
        self.issuer.as_ref().is_none_or(|pattern| pattern.fits(issuer))
    }

    fn with_new_digest(self) -> Key {
        let issuer = self.issuer.as_ref().map(IssuerPattern::text);
        let digest = KeyDigest::new(
            self.id.as_deref(),
            issuer.as_deref(),
            &self.verifying_keys,
            &self.material,
        );
        Key { digest, ..self }
    }

    /// An RSA key with this modulus and exponent, both big-endian.
    pub(super) fn rsa(algorithms: &[Algorithm], n: &[u8], e: &[u8]) -> Result<Key, KeyRejected> {
        let components = RsaPublicKeyComponents { n, e };
        Key::public(algorithms, |algorithm| {
            let parameters = algorithm.rsa().ok_or(KeyRejected::WrongAlgorithm)?;
            components.to_parsed_public_key(parameters).map_err(|_| KeyRejected::Unreadable)
        })
    }

    /// An elliptic-curve key: an uncompressed point, or the 32 bytes of an Ed25519 key.
    pub(super) fn curve(algorithm: Algorithm, key: &[u8]) -> Result<Key, KeyRejected> {
        Key::public(&[algorithm], |algorithm| {
            let parameters = algorithm.public().ok_or(KeyRejected::WrongAlgorithm)?;
            ParsedPublicKey::new(parameters, key).map_err(|_| KeyRejected::Unreadable)
        })
    }

    fn public(
        algorithms: &[Algorithm],
        parse: impl Fn(Algorithm) -> Result<ParsedPublicKey, KeyRejected>,
    ) -> Result<Key, KeyRejected> {
        let mut verifying_keys = Vec::with_capacity(algorithms.len());
        let mut material = Vec::new();
        for algorithm in algorithms {
            let key = parse(*algorithm)?;
            // The DER is the same whether the key was read from PEM or from a JWK.
            let der = key.as_der().map_err(|_| KeyRejected::Unreadable)?;
            // `ParsedPublicKey` accepts RSA keys of any size. `PublicEncryptingKey` accepts 2048 to 8192
            // bits, which includes the minimum of RFC 7518, section 3.3.
            if algorithm.rsa().is_some() && PublicEncryptingKey::from_der(der.as_ref()).is_err() {
                return Err(KeyRejected::RsaSize);
            }
            material = der.as_ref().to_vec();
            verifying_keys.push((*algorithm, VerifyingKey::Public(key)));
        }
        Ok(Key::new(verifying_keys, &material))
    }

    fn new(verifying_keys: Vec<(Algorithm, VerifyingKey)>, material: &[u8]) -> Key {
        let material = sha256(material);
        let digest = KeyDigest::new(None, None, &verifying_keys, &material);
        Key { id: None, issuer: None, verifying_keys, material, digest }
    }

    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    pub(super) fn digest(&self) -> KeyDigest {
        self.digest
    }

    pub(super) fn supports(&self, algorithm: Algorithm) -> bool {
        self.verifying_keys.iter().any(|(bound, _)| *bound == algorithm)
    }

    /// Returns whether `signature` is a valid signature of `message` by this key and `algorithm`.
    pub(super) fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let mut verifying_keys = self.verifying_keys.iter();
        let Some((_, key)) = verifying_keys.find(|(bound, _)| *bound == algorithm) else {
            return false;
        };
        match key {
            VerifyingKey::Secret(key) => hmac::verify(key, message, signature).is_ok(),
            VerifyingKey::Public(key) => key.verify_sig(message, signature).is_ok(),
        }
    }
}

impl KeyDigest {
    fn new(
        id: Option<&str>,
        issuer: Option<&str>,
        verifying_keys: &[(Algorithm, VerifyingKey)],
        material: &[u8; 32],
    ) -> KeyDigest {
        let algorithms: Vec<u8> = verifying_keys.iter().map(|(bound, _)| *bound as u8).collect();
        let present = &[u8::from(id.is_some()), u8::from(issuer.is_some())];
        let (id, issuer) = (id.unwrap_or_default(), issuer.unwrap_or_default());
        let length = (algorithms.len() as u64).to_be_bytes();
        let issuer_length = (issuer.len() as u64).to_be_bytes();
        // Unambiguous: all parts before the id, which is last, have a fixed or a stated length.
        let parts: [&[u8]; 7] = [
            material,
            &length,
            &algorithms,
            present,
            &issuer_length,
            issuer.as_bytes(),
            id.as_bytes(),
        ];
        KeyDigest(sha256(&parts.concat()))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithms: Vec<_> = self.verifying_keys.iter().map(|(bound, _)| bound).collect();
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("algorithms", &algorithms)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_depends_on_key_id_issuer_and_algorithms() {
        let pem = "-----BEGIN PUBLIC KEY-----\n\
            MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
            -----END PUBLIC KEY-----";
        let pem = || Key::from_pem(Algorithm::EdDSA, pem).unwrap();
        let of = |issuer| pem().for_issuer(IssuerPattern::parse(issuer).unwrap());
        let secret = |byte: u8| Key::hs256([byte; 32]).unwrap();
        let digests = [
            pem(),
            pem().with_id(""),
            pem().with_id("one"),
            pem().with_id("two"),
            of("https://a.example"),
            of("https://a.example/{tid}"),
            of("https://a.example").with_id("one"),
            secret(7),
            secret(7).with_id("one"),
            secret(8).with_id("one"),
        ]
        .map(|key| key.digest());
        for (at, one) in digests.iter().enumerate() {
            assert!(!digests.iter().skip(at + 1).any(|other| one == other), "{at}");
        }
        assert_eq!(pem().with_id("two").with_id("one").digest(), pem().with_id("one").digest());
    }
}
