use std::{error::Error, fmt};

use aws_lc_rs::rand;

use super::{
    format::{ID_LENGTH, SECRET_LENGTH, checksum, digit, is_prefix},
    hash::KeyHash,
    record::KeyRecord,
};

/// A new key and its record.
///
/// A key is `acme_live_4mTq0ZbW9xKc_` and 49 more letters and digits, for example. It consists of a
/// prefix of your choice, by which secret scanners recognise a leaked key, a public id, a secret of 256
/// bits and a checksum. Show it to its owner once and store the [record](GeneratedKey::record), from which
/// the key can't be computed.
///
/// ```
/// use tonic_guard::api_keys::GeneratedKey;
///
/// let new = GeneratedKey::new("acme_live")?;
/// assert!(new.key().starts_with("acme_live_"));
/// assert!(new.record().to_string().contains("sha256:"));
///
/// // Rejected: capital letters and a hyphen.
/// assert!(GeneratedKey::new("Acme-Live").is_err());
/// # Ok::<(), tonic_guard::api_keys::GenerateError>(())
/// ```
pub struct GeneratedKey {
    key: String,
    record: KeyRecord,
}

impl GeneratedKey {
    /// Generates a key.
    ///
    /// # Errors
    /// Returns an error if `prefix` isn't at most 32 characters of lower-case letters, digits and single
    /// underscores between them, beginning with a letter, or if the system has no random bytes.
    pub fn new(prefix: &str) -> Result<GeneratedKey, GenerateError> {
        if !is_prefix(prefix) {
            return Err(GenerateError::Prefix);
        }
        let id = random_digits(ID_LENGTH)?;
        let body = format!("{prefix}_{id}_{}", random_digits(SECRET_LENGTH)?);
        let key = format!("{body}{}", checksum(&body));
        let record = KeyRecord { id, hash: KeyHash::of(&key), expires: None };
        Ok(GeneratedKey { key, record })
    }

    /// The key itself. It isn't stored anywhere else.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The part of the key that the server stores.
    pub fn record(&self) -> &KeyRecord {
        &self.record
    }
}

impl fmt::Debug for GeneratedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GeneratedKey").field("record", &self.record).finish_non_exhaustive()
    }
}

/// Why a key can't be generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GenerateError {
    /// The prefix isn't at most 32 lower-case letters, digits and underscores in the expected order.
    Prefix,
    /// The system has no random bytes.
    NoRandomness,
}

impl fmt::Display for GenerateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            GenerateError::Prefix => {
                "expected a prefix of at most 32 lower-case letters, digits and single underscores, beginning \
                 with a letter"
            }
            GenerateError::NoRandomness => "the system has no random bytes",
        })
    }
}

impl Error for GenerateError {}

/// Draws `length` random base-62 digits with equal probability.
fn random_digits(length: usize) -> Result<String, GenerateError> {
    let mut text = String::new();
    while text.len() < length {
        let mut bytes = [0; 64];
        rand::fill(&mut bytes).map_err(|_| GenerateError::NoRandomness)?;
        // 248 is 4 * 62. Bytes above it would make some digits more probable.
        let unbiased = bytes.into_iter().filter(|byte| *byte < 248);
        let digits = unbiased.map(|byte| char::from(digit(u32::from(byte) % 62)));
        text.extend(digits.take(length - text.len()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verifiers::api_keys::format::{CHECKSUM_LENGTH, id_of};

    #[test]
    fn generated_keys_are_well_formed_and_unique() {
        for prefix in ["a", "acme_live", "k1_2", "abcdefghijklmnopqrstuvwxyz012345"] {
            let (one, two) =
                (GeneratedKey::new(prefix).unwrap(), GeneratedKey::new(prefix).unwrap());
            assert_eq!(id_of(one.key()), Some(one.record().id.as_str()));
            assert!(one.key().starts_with(&format!("{prefix}_{}_", one.record().id)));
            assert_eq!(
                one.key().len(),
                prefix.len() + 1 + ID_LENGTH + 1 + SECRET_LENGTH + CHECKSUM_LENGTH
            );
            assert!(one.record().hash.matches(&KeyHash::of(one.key())));
            assert!(!one.record().hash.matches(&two.record().hash));
            assert_ne!(one.record().id, two.record().id);
            let (one, two) = (one.key().split_at(prefix.len() + 14), two.key());
            assert!(!two.contains(&one.1[..SECRET_LENGTH]));
        }
    }

    #[test]
    fn prefix_of_another_form_is_rejected() {
        let long = "a".repeat(33);
        for prefix in ["", "_", "A", "acme-live", "acme_", "_acme", "a__b", "1a", "a b", "ä", &long]
        {
            assert_eq!(GeneratedKey::new(prefix).unwrap_err(), GenerateError::Prefix, "{prefix:?}");
        }
    }

    #[test]
    fn generated_key_is_not_printed() {
        let new = GeneratedKey::new("acme").unwrap();
        let secret = new.key().rsplit_once('_').unwrap().1;
        assert!(!format!("{new:?} {}", new.record()).contains(secret));
    }
}
