use std::fmt;

/// Why a key can't be used to verify signatures. It never contains the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyRejected {
    /// The key doesn't have the expected encoding.
    Unreadable,
    /// The document isn't a JWK set: a JSON object with a list of `keys`.
    NotJwks,
    /// The set has no usable key.
    NoKeys,
    /// The key's type, curve or algorithm isn't supported.
    Unsupported,
    /// The key isn't made for this algorithm.
    WrongAlgorithm,
    /// The RSA key has less than 2048 or more than 8192 bits.
    RsaSize,
    /// The HMAC secret is shorter than the hash of its algorithm: 256, 384 or 512 bits.
    ShortSecret,
    /// The HMAC secret is a key in PEM or DER.
    NotSecret,
    /// The PEM isn't a public key. It may be a private key or a certificate.
    NotPublic,
    /// The PEM has more than one key.
    MultipleKeys,
    /// The key's `use` or `key_ops` excludes the verification of signatures.
    OtherUse,
    /// The key is a secret or a private key in a public document.
    PublishedSecret,
}

impl fmt::Display for KeyRejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyRejected::Unreadable => "the key can't be read",
            KeyRejected::NotJwks => "the document isn't a JWK set",
            KeyRejected::NoKeys => "no key of the set can be used",
            KeyRejected::Unsupported => "the key's type, curve or algorithm isn't supported",
            KeyRejected::WrongAlgorithm => "the key isn't made for this algorithm",
            KeyRejected::RsaSize => "the RSA key has less than 2048 or more than 8192 bits",
            KeyRejected::ShortSecret => "the HMAC secret is shorter than the hash of its algorithm",
            KeyRejected::NotSecret => "the HMAC secret is a key in PEM or DER",
            KeyRejected::NotPublic => "the PEM isn't a public key",
            KeyRejected::MultipleKeys => "the PEM has more than one key",
            KeyRejected::OtherUse => "the key isn't meant for verifying signatures",
            KeyRejected::PublishedSecret => "the key is a secret or private key in a public set",
        })
    }
}

impl std::error::Error for KeyRejected {}
