use std::{error::Error, fmt};

/// Why a text isn't a [`PasswordHash`](super::PasswordHash), or why a password can't be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HashError {
    /// The text isn't a PHC string with a salt and a hash.
    NotPhc,
    /// The hash is by another function than Argon2.
    NotArgon2,
    /// The version is neither `v=19` nor `v=16`, or missing.
    Version,
    /// The parameters aren't exactly `m`, `t` and `p`, or exceed the limits of Argon2 or of this crate.
    Parameters,
    /// The hash has fewer than 128 bits.
    Short,
    /// The system has no random bytes.
    NoRandomness,
    /// The system has too little memory.
    OutOfMemory,
}

impl fmt::Display for HashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HashError::NotPhc => "not a PHC string with a salt and a hash",
            HashError::NotArgon2 => "the hash isn't by Argon2",
            HashError::Version => "Argon2's version is neither v=19 nor v=16",
            HashError::Parameters => {
                "Argon2's parameters aren't m, t and p, with m * t of at most 2 GiB and p of at most 64"
            }
            HashError::Short => "the hash has fewer than 128 bits",
            HashError::NoRandomness => "the system has no random bytes",
            HashError::OutOfMemory => "the system has too little memory for the hash",
        })
    }
}

impl Error for HashError {}
