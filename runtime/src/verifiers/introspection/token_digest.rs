//! Identifies tokens in caches and in requests under way, without the tokens themselves.

use aws_lc_rs::{error::Unspecified, hmac, rand::SystemRandom};

use crate::{error::AuthError, scheme::BearerToken};

/// A MAC of a token, under a random key of this process.
pub(super) type TokenDigest = [u8; 32];

/// The key of the digests.
pub(super) struct DigestKey(hmac::Key);

impl DigestKey {
    /// Generates a key. Fails if the system has no random bytes.
    pub(super) fn generate() -> Result<Self, Unspecified> {
        hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).map(DigestKey)
    }

    pub(super) fn digest(&self, token: &BearerToken) -> Result<TokenDigest, AuthError> {
        let mut digest = TokenDigest::default();
        hmac::sign_to_buffer(&self.0, token.as_str().as_bytes(), &mut digest).map_err(|_| {
            AuthError::unavailable().because("the token's digest can't be computed")
        })?;
        Ok(digest)
    }
}
