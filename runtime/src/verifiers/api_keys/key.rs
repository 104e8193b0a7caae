//! What a key looks like, how one is made, and what is kept of it.

use std::{error::Error, fmt, str::FromStr, time::SystemTime};

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand,
};
use constant_time_eq::constant_time_eq_32;

/// How many digits of base 62 are a key's id: 71 bits, enough never to draw one twice.
pub(super) const ID: usize = 12;

/// How many digits of base 62 are a key's secret: 256 bits.
const SECRET: usize = 43;

/// How many digits of base 62 hold a checksum of 32 bits.
const CHECKSUM: usize = 6;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The id of a well-formed key.
///
/// `PREFIX_ID_SECRETCHECKSUM`, where the checksum is that of everything before it.
pub(super) fn id_of(key: &str) -> Option<&str> {
    let (rest, tail) = key.rsplit_once('_')?;
    let (prefix, id) = rest.rsplit_once('_')?;
    let well_formed = is_prefix(prefix) && is_id(id) && is_digits(tail, SECRET + CHECKSUM);
    let (body, sum) = key.split_at_checked(key.len().checked_sub(CHECKSUM)?)?;
    (well_formed && sum == checksum(body)).then_some(id)
}

pub(super) fn is_id(id: &str) -> bool {
    is_digits(id, ID)
}

fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Words of lower-case letters and digits between underscores, the first beginning with a letter.
fn is_prefix(prefix: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    prefix.len() <= 32
        && prefix.starts_with(|c: char| c.is_ascii_lowercase())
        && prefix.split('_').all(word)
}

/// The first 32 bits of the SHA-256, in base 62.
fn checksum(body: &str) -> String {
    let digest = digest(&SHA256, body.as_bytes());
    let mut rest = digest.as_ref().iter().take(4).fold(0, |sum, byte| sum << 8 | u32::from(*byte));
    let mut digits = [b'0'; CHECKSUM];
    for place in digits.iter_mut().rev() {
        *place = digit(rest % 62);
        rest /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

fn digit(value: u32) -> u8 {
    DIGITS.get(value as usize).copied().unwrap_or(b'0')
}

/// Draws `count` digits, each of the 62 as likely as the others.
fn draw(count: usize) -> Result<String, GenerateError> {
    let mut drawn = String::new();
    while drawn.len() < count {
        let mut bytes = [0; 64];
        rand::fill(&mut bytes).map_err(|_| GenerateError::NoRandomness)?;
        // 248 is 4 * 62: without the rest, no digit is drawn more often than another.
        let even = bytes.into_iter().filter(|byte| *byte < 248);
        let digits = even.map(|byte| char::from(digit(u32::from(byte) % 62)));
        drawn.extend(digits.take(count - drawn.len()));
    }
    Ok(drawn)
}

/// A new key, and what is kept of it.
///
/// The key looks like `acme_live_4mTq0ZbW9xKc_` and 49 more letters and digits: a prefix of your
/// choice, by which a scanner finds it where it must not be, a public id, a secret of 256 bits and a
/// checksum. Show it to its owner once and keep the [record](GeneratedKey::record), from which nobody
/// can make the key.
///
/// ```
/// use tonic_guard::api_keys::GeneratedKey;
///
/// let new = GeneratedKey::new("acme_live")?;
/// assert!(new.key().starts_with("acme_live_"));
/// assert!(new.record().to_string().contains("sha256:"));
///
/// // A scanner couldn't tell this from other words.
/// assert!(GeneratedKey::new("Acme-Live").is_err());
/// # Ok::<(), tonic_guard::api_keys::GenerateError>(())
/// ```
pub struct GeneratedKey {
    key: String,
    record: KeyRecord,
}

impl GeneratedKey {
    /// Draws a key.
    ///
    /// # Errors
    /// When `prefix` isn't made of words of lower-case letters and digits with `_` between them, at
    /// most 32 characters, or the system has no random bytes.
    pub fn new(prefix: &str) -> Result<GeneratedKey, GenerateError> {
        if !is_prefix(prefix) {
            return Err(GenerateError::Prefix);
        }
        let id = draw(ID)?;
        let body = format!("{prefix}_{id}_{}", draw(SECRET)?);
        let key = format!("{body}{}", checksum(&body));
        let record = KeyRecord { id, hash: KeyHash::of(&key), expires: None };
        Ok(GeneratedKey { key, record })
    }

    /// The key itself. Nothing else holds it.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What the server keeps.
    pub fn record(&self) -> &KeyRecord {
        &self.record
    }
}

impl fmt::Debug for GeneratedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GeneratedKey").field("record", &self.record).finish_non_exhaustive()
    }
}

/// Why no key is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GenerateError {
    /// The prefix has other characters than lower-case letters, digits and `_`, or too many.
    Prefix,
    /// The system has no random bytes.
    NoRandomness,
}

impl fmt::Display for GenerateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            GenerateError::Prefix => {
                "a key's prefix is words of lower-case letters and digits with `_` between them"
            }
            GenerateError::NoRandomness => "the system has no random bytes",
        })
    }
}

impl Error for GenerateError {}

/// What a server keeps of a key: its id, its hash and its end. It prints as its entry in a file.
#[derive(Clone, Debug)]
pub struct KeyRecord {
    /// The key's id: twelve letters and digits. It isn't secret.
    pub id: String,
    /// The hash of the whole key.
    pub hash: KeyHash,
    /// When the key stops being good. `None` is never.
    pub expires: Option<SystemTime>,
}

/// The record as JSON, without its end.
impl fmt::Display for KeyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r#"{{"id": "{}", "hash": "{}"}}"#, self.id, self.hash)
    }
}

/// The SHA-256 of a whole key. As text it is `sha256:` and 64 hexadecimal digits.
///
/// A key's secret has 256 bits, so nobody finds it by trying, and a slow hash would add nothing.
///
/// ```
/// use tonic_guard::api_keys::{GeneratedKey, KeyHash};
///
/// let kept = GeneratedKey::new("acme")?.record().hash.to_string();
/// assert!(kept.parse::<KeyHash>().is_ok());
/// assert!("md5:900150983cd24fb0d6963f7d28e17f72".parse::<KeyHash>().is_err());
/// # Ok::<(), tonic_guard::api_keys::GenerateError>(())
/// ```
#[derive(Clone, Copy)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// Compared with where there is no key, so that its absence takes as long.
    pub(super) const NOBODYS: KeyHash = KeyHash([0; 32]);

    /// The hash of `key`.
    pub fn of(key: &str) -> KeyHash {
        let mut hash = [0; 32];
        for (to, from) in hash.iter_mut().zip(digest(&SHA256, key.as_bytes()).as_ref()) {
            *to = *from;
        }
        KeyHash(hash)
    }

    /// Whether both are the same, in a time that doesn't tell where they differ.
    pub(super) fn matches(&self, other: &KeyHash) -> bool {
        constant_time_eq_32(&self.0, &other.0)
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
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
        let digits = text.strip_prefix("sha256:").ok_or(ParseHashError)?.as_bytes();
        let mut hash = [0; 32];
        if digits.len() != 2 * hash.len() {
            return Err(ParseHashError);
        }
        for (byte, pair) in hash.iter_mut().zip(digits.chunks(2)) {
            for digit in pair {
                let value = char::from(*digit).to_digit(16).ok_or(ParseHashError)?;
                *byte = *byte << 4 | value as u8;
            }
        }
        Ok(KeyHash(hash))
    }
}

/// A text that is no [`KeyHash`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseHashError;

impl fmt::Display for ParseHashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key's hash is `sha256:` and 64 hexadecimal digits")
    }
}

impl Error for ParseHashError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_well_formed_and_unlike_any_other() {
        for prefix in ["a", "acme_live", "k1_2", "abcdefghijklmnopqrstuvwxyz012345"] {
            let (one, two) =
                (GeneratedKey::new(prefix).unwrap(), GeneratedKey::new(prefix).unwrap());
            assert_eq!(id_of(one.key()), Some(one.record().id.as_str()));
            assert!(one.key().starts_with(&format!("{prefix}_{}_", one.record().id)));
            assert_eq!(one.key().len(), prefix.len() + 1 + ID + 1 + SECRET + CHECKSUM);
            assert!(one.record().hash.matches(&KeyHash::of(one.key())));
            assert!(!one.record().hash.matches(&two.record().hash));
            assert_ne!(one.record().id, two.record().id);
            let (one, two) = (one.key().split_at(prefix.len() + 14), two.key());
            assert!(!two.contains(&one.1[..SECRET]));
        }
    }

    #[test]
    fn a_prefix_that_a_scanner_would_miss_is_refused() {
        let long = "a".repeat(33);
        for prefix in ["", "_", "A", "acme-live", "acme_", "_acme", "a__b", "1a", "a b", "ä", &long]
        {
            assert_eq!(GeneratedKey::new(prefix).unwrap_err(), GenerateError::Prefix, "{prefix:?}");
        }
    }

    /// Its checksum was made by another program, in Python.
    const KEY: &str = "acme_live_4mTq0ZbW9xKc_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg2XxhwT";

    #[test]
    fn the_checksum_is_of_everything_before_it() {
        assert_eq!(id_of(KEY), Some("4mTq0ZbW9xKc"));
        // Whatever digit is changed, in whatever part.
        for at in 0..KEY.len() {
            let mut changed = KEY.as_bytes().to_vec();
            changed[at] = match changed[at] {
                b'a' => b'b',
                b'_' => b'x',
                _ => b'a',
            };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(id_of(&changed), None, "{changed}");
        }
    }

    #[test]
    fn what_is_no_key_has_no_id() {
        let sum = |body: &str| format!("{body}{}", checksum(body));
        let secret = "0".repeat(SECRET);
        for key in [
            String::new(),
            "_".into(),
            "__".into(),
            "____________".into(),
            "ä".into(),
            "acme_ä".into(),
            KEY[..KEY.len() - 1].into(),
            format!("{KEY}0"),
            sum(&format!("4mTq0ZbW9xKc_{secret}")),
            sum(&format!("_4mTq0ZbW9xKc_{secret}")),
            sum(&format!("Acme_4mTq0ZbW9xKc_{secret}")),
            sum(&format!("acme_4mTq0ZbW9xK_{secret}")),
            sum(&format!("acme_4mTq0ZbW9xKcd_{secret}")),
            sum(&format!("acme_4mTq0ZbW9x.c_{secret}")),
            sum(&format!("acme_4mTq0ZbW9xKc_{secret}0")),
            sum(&format!("acme_4mTq0ZbW9xKc_{}", &secret[1..])),
            sum(&format!("acme_4mTq0ZbW9xKc_-{}", &secret[1..])),
            sum(&format!("acme_4mTq0ZbW9xKc{secret}")),
            format!("{} ", sum(&format!("acme_4mTq0ZbW9xKc_{secret}"))),
        ] {
            assert_eq!(id_of(&key), None, "{key:?}");
        }
        assert!(id_of(&sum(&format!("acme_4mTq0ZbW9xKc_{secret}"))).is_some());
    }

    #[test]
    fn a_hash_is_read_as_it_is_written() {
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

    #[test]
    fn a_new_key_does_not_print() {
        let new = GeneratedKey::new("acme").unwrap();
        let secret = new.key().rsplit_once('_').unwrap().1;
        assert!(!format!("{new:?} {}", new.record()).contains(secret));
    }
}
