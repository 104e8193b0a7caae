use std::{error::Error, fmt, str::FromStr};

use constant_time_eq::constant_time_eq_32;

use crate::verifiers::shared::digest::{from_hex, sha256, to_hex};

/// The SHA-256 of a whole key. Its text form is `sha256:` and 64 hexadecimal digits.
///
/// A key's secret has 256 random bits and can't be found by trying, so a slow hash isn't necessary.
///
/// ```
/// use tonic_guard::api_keys::{GeneratedKey, KeyHash};
///
/// let stored = GeneratedKey::new("acme")?.record().hash.to_string();
/// assert!(stored.parse::<KeyHash>().is_ok());
/// assert!("md5:900150983cd24fb0d6963f7d28e17f72".parse::<KeyHash>().is_err());
/// # Ok::<(), tonic_guard::api_keys::GenerateError>(())
/// ```
#[derive(Clone, Copy)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// Compared with the key for an unknown id, so that the answer takes equally long.
    pub(super) const DUMMY: KeyHash = KeyHash([0; 32]);

    /// Hashes `key`.
    pub fn of(key: &str) -> KeyHash {
        KeyHash(sha256(key.as_bytes()))
    }

    /// Compares two hashes in constant time.
    pub(super) fn matches(&self, other: &KeyHash) -> bool {
        constant_time_eq_32(&self.0, &other.0)
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", to_hex(&self.0))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyHash {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<KeyHash, ParseHashError> {
        text.strip_prefix("sha256:").and_then(from_hex).map(KeyHash).ok_or(ParseHashError)
    }
}

/// The text isn't a [`KeyHash`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseHashError;

impl fmt::Display for ParseHashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected `sha256:` and 64 hexadecimal digits")
    }
}

impl Error for ParseHashError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_is_parsed_from_its_own_text() {
        let hash = KeyHash::of("abc");
        let text = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash.to_string(), text);
        assert!(text.parse::<KeyHash>().unwrap().matches(&hash));
        let short = &text[..text.len() - 1];
        for bad in ["", "sha256:", &text[7..], short, &format!("{text}0"), &format!("{short}g")] {
            assert!(bad.parse::<KeyHash>().is_err(), "{bad}");
        }
        assert!(format!("sha256:+{}", &short[7..]).parse::<KeyHash>().is_err());
    }
}
