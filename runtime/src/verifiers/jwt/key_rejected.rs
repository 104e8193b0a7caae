use std::fmt;

/// Why a key can't check signatures. It never holds the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyRejected {
    /// It isn't in the form that it should be in.
    Unreadable,
    /// The JWK set isn't one: no JSON object with a list of `keys`.
    NotJwks,
    /// No key of the set can be used.
    NoKeys,
    /// Its type, its curve or its algorithm isn't known here.
    Unknown,
    /// It isn't meant for this algorithm.
    WrongAlgorithm,
    /// It is an RSA key of less than 2048 bits, or of more than 8192.
    RsaSize,
    /// It is an HMAC secret of less than 256 bits.
    ShortSecret,
    /// What should be a secret is a key in PEM or DER.
    NotSecret,
    /// What should be a public key in PEM isn't: a private key or a certificate, perhaps.
    NotPublic,
    /// There is more in the PEM than one key.
    Several,
    /// It is meant for something else than checking signatures: its `use` or `key_ops` say so.
    OtherUse,
    /// It is a secret or a private key, and comes from where everyone can read it.
    Published,
}

impl fmt::Display for KeyRejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyRejected::Unreadable => "the key can't be read",
            KeyRejected::NotJwks => "this is no JWK set",
            KeyRejected::NoKeys => "no key of the set can be used",
            KeyRejected::Unknown => "the key's type, curve or algorithm isn't known",
            KeyRejected::WrongAlgorithm => "the key isn't meant for this algorithm",
            KeyRejected::RsaSize => "an RSA key of less than 2048 or more than 8192 bits",
            KeyRejected::ShortSecret => "an HMAC secret of less than 256 bits",
            KeyRejected::NotSecret => "a secret that is a key in PEM or DER",
            KeyRejected::NotPublic => "no public key in PEM",
            KeyRejected::Several => "more in the PEM than one key",
            KeyRejected::OtherUse => "the key is meant for something else",
            KeyRejected::Published => "a secret or private key in a published set",
        })
    }
}

impl std::error::Error for KeyRejected {}
