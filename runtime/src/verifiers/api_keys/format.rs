//! The format of a key: `PREFIX_ID_SECRETCHECKSUM`, with a checksum of everything before it.

use crate::verifiers::shared::digest::sha256;

/// The length of a key's id in base 62. It has 71 bits, so that two random ids never collide.
pub(super) const ID_LENGTH: usize = 12;

/// The length of a key's secret in base 62. It has 256 bits.
pub(super) const SECRET_LENGTH: usize = 43;

/// The length of a checksum of 32 bits in base 62.
pub(super) const CHECKSUM_LENGTH: usize = 6;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Returns the id of a well-formed key.
pub(super) fn id_of(key: &str) -> Option<&str> {
    let (rest, tail) = key.rsplit_once('_')?;
    let (prefix, id) = rest.rsplit_once('_')?;
    let well_formed =
        is_prefix(prefix) && is_id(id) && is_alphanumeric(tail, SECRET_LENGTH + CHECKSUM_LENGTH);
    let (body, sum) = key.split_at_checked(key.len().checked_sub(CHECKSUM_LENGTH)?)?;
    (well_formed && sum == checksum(body)).then_some(id)
}

pub(super) fn is_id(id: &str) -> bool {
    is_alphanumeric(id, ID_LENGTH)
}

fn is_alphanumeric(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Returns whether `prefix` is at most 32 characters of lower-case letters, digits and single
/// underscores between them, and begins with a letter.
pub(super) fn is_prefix(prefix: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    prefix.len() <= 32
        && prefix.starts_with(|c: char| c.is_ascii_lowercase())
        && prefix.split('_').all(word)
}

/// The first 32 bits of the SHA-256 of `body`, in base 62.
pub(super) fn checksum(body: &str) -> String {
    let [a, b, c, d, ..] = sha256(body.as_bytes());
    let mut rest = u32::from_be_bytes([a, b, c, d]);
    let mut digits = [b'0'; CHECKSUM_LENGTH];
    for position in digits.iter_mut().rev() {
        *position = digit(rest % 62);
        rest /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

/// The base-62 digit of a value below 62.
pub(super) fn digit(value: u32) -> u8 {
    DIGITS.get(value as usize).copied().unwrap_or(b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The checksum was computed by a Python program.
    const KEY: &str = "acme_live_4mTq0ZbW9xKc_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg2XxhwT";

    #[test]
    fn checksum_covers_everything_before_it() {
        assert_eq!(id_of(KEY), Some("4mTq0ZbW9xKc"));
        // Change each character in turn.
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
    fn text_of_another_form_has_no_id() {
        let sum = |body: &str| format!("{body}{}", checksum(body));
        let secret = "0".repeat(SECRET_LENGTH);
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
}
