use std::fmt;

use aws_lc_rs::{
    digest,
    encoding::AsDer,
    hmac,
    rsa::PublicEncryptingKey,
    signature::{ParsedPublicKey, RsaPublicKeyComponents},
};

use super::{Algorithm, KeyRejected, pem};

/// The least size of an HMAC secret: that of the hash (RFC 7518, section 3.2).
const MIN_SECRET_BYTES: usize = 32;

/// A key that checks signatures. It is parsed once and bound to the algorithms it may be used with.
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
/// // Refused: a secret that could be guessed.
/// assert!(Key::hs256("secret").is_err());
/// # Ok(())
/// # }
/// ```
pub struct Key {
    id: Option<Box<str>>,
    checks: Vec<(Algorithm, Check)>,
    material: [u8; 32],
    thumbprint: Thumbprint,
}

/// Names a key, what it may be used for and the id by which tokens ask for it: a digest of all three.
///
/// A key that comes back under another id or for other algorithms is another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Thumbprint([u8; 32]);

enum Check {
    Secret(Box<hmac::Key>),
    Public(ParsedPublicKey),
}

impl Key {
    /// A public key in PEM, for `algorithm` alone: `BEGIN PUBLIC KEY` (RFC 5280) or `BEGIN RSA PUBLIC
    /// KEY` (RFC 8017).
    ///
    /// # Errors
    /// When `pem` isn't one public key that fits `algorithm`, and when an RSA key has less than 2048
    /// bits.
    pub fn from_pem(algorithm: Algorithm, pem: impl AsRef<[u8]>) -> Result<Key, KeyRejected> {
        let der = pem::public_key(pem.as_ref())?;
        Key::public(&[algorithm], |algorithm| {
            let parameters = algorithm.public().ok_or(KeyRejected::WrongAlgorithm)?;
            ParsedPublicKey::new(parameters, &der).map_err(|_| KeyRejected::Unreadable)
        })
    }

    /// A secret for HS256. The issuer has the same: whoever checks tokens with it can make them.
    ///
    /// # Errors
    /// When the secret has less than 256 bits (RFC 8725, section 3.5), and when it is a public key in
    /// PEM: everyone has that one.
    pub fn hs256(secret: impl AsRef<[u8]>) -> Result<Key, KeyRejected> {
        let secret = secret.as_ref();
        if secret.len() < MIN_SECRET_BYTES {
            return Err(KeyRejected::ShortSecret);
        }
        if pem::looks_like_key(secret) {
            return Err(KeyRejected::NotSecret);
        }
        let check = Check::Secret(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret)));
        Ok(Key::new(vec![(Algorithm::HS256, check)], secret))
    }

    /// The key under the id by which a token's `kid` asks for it.
    ///
    /// A key without an id is tried for every token that names no other key.
    #[must_use]
    pub fn with_id(self, id: impl Into<String>) -> Key {
        let id = Some(id.into().into_boxed_str());
        let thumbprint = Thumbprint::of(id.as_deref(), &self.checks, &self.material);
        Key { id, thumbprint, ..self }
    }

    /// An RSA key by its modulus and exponent, both big-endian.
    pub(super) fn rsa(algorithms: &[Algorithm], n: &[u8], e: &[u8]) -> Result<Key, KeyRejected> {
        let components = RsaPublicKeyComponents { n, e };
        Key::public(algorithms, |algorithm| {
            let parameters = algorithm.rsa().ok_or(KeyRejected::WrongAlgorithm)?;
            components.to_parsed_public_key(parameters).map_err(|_| KeyRejected::Unreadable)
        })
    }

    /// A key of a curve: an uncompressed point, or the 32 bytes of an Ed25519 key.
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
        let mut checks = Vec::with_capacity(algorithms.len());
        let mut material = Vec::new();
        for algorithm in algorithms {
            let key = parse(*algorithm)?;
            // The same bytes for the same key, whatever it was read from.
            let der = key.as_der().map_err(|_| KeyRejected::Unreadable)?;
            // What can be encrypted to has 2048 to 8192 bits, as RFC 7518, section 3.3 asks of a key that
            // signs; parsing alone takes any size.
            if algorithm.rsa().is_some() && PublicEncryptingKey::from_der(der.as_ref()).is_err() {
                return Err(KeyRejected::RsaSize);
            }
            material = der.as_ref().to_vec();
            checks.push((*algorithm, Check::Public(key)));
        }
        Ok(Key::new(checks, &material))
    }

    fn new(checks: Vec<(Algorithm, Check)>, material: &[u8]) -> Key {
        let material = sha256(&[material]);
        let thumbprint = Thumbprint::of(None, &checks, &material);
        Key { id: None, checks, material, thumbprint }
    }

    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    pub(super) fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }

    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        self.checks.iter().any(|(bound, _)| *bound == algorithm)
    }

    /// Whether `signature` is this key's over `message`, by `algorithm`.
    pub(super) fn signed(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let Some((_, check)) = self.checks.iter().find(|(bound, _)| *bound == algorithm) else {
            return false;
        };
        match check {
            Check::Secret(key) => hmac::verify(key, message, signature).is_ok(),
            Check::Public(key) => key.verify_sig(message, signature).is_ok(),
        }
    }
}

impl Thumbprint {
    fn of(id: Option<&str>, checks: &[(Algorithm, Check)], material: &[u8; 32]) -> Thumbprint {
        let algorithms: Vec<u8> = checks.iter().map(|(algorithm, _)| *algorithm as u8).collect();
        let (named, id) = (&[u8::from(id.is_some())], id.unwrap_or_default());
        let length = (algorithms.len() as u64).to_be_bytes();
        // The id comes last, and what stands before it says how long it is: no two keys share a text.
        Thumbprint(sha256(&[material, &length, &algorithms, named, id.as_bytes()]))
    }
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithms: Vec<_> = self.checks.iter().map(|(algorithm, _)| algorithm).collect();
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("algorithms", &algorithms)
            .finish_non_exhaustive()
    }
}
