//! SHA-256 digests and their hexadecimal form.

#[cfg(any(feature = "api-keys", feature = "client-certificate"))]
use std::fmt;

use aws_lc_rs::digest;
#[cfg(any(feature = "api-keys", feature = "client-certificate"))]
use data_encoding::{Encoding, HEXLOWER, HEXLOWER_PERMISSIVE};

/// Computes the SHA-256 of `bytes`.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut sum = [0; 32];
    sum.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    sum
}

/// Formats a digest as 64 lower-case hexadecimal digits.
#[cfg(any(feature = "api-keys", feature = "client-certificate"))]
pub(crate) fn to_hex(sum: &[u8; 32]) -> impl fmt::Display {
    static HEX: Encoding = HEXLOWER;

    HEX.encode_display(sum)
}

/// Parses 64 hexadecimal digits, in either case.
#[cfg(any(feature = "api-keys", feature = "client-certificate"))]
pub(crate) fn from_hex(digits: &str) -> Option<[u8; 32]> {
    let mut sum = [0; 32];
    // `decode_mut` panics unless the output has exactly the decoded length.
    if digits.len() != 2 * sum.len() {
        return None;
    }
    HEXLOWER_PERMISSIVE.decode_mut(digits.as_bytes(), &mut sum).ok()?;
    Some(sum)
}

#[cfg(all(test, any(feature = "api-keys", feature = "client-certificate")))]
mod tests {
    use super::*;

    #[test]
    fn digest_of_the_fips_180_example_is_correct() {
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(to_hex(&sha256(b"abc")).to_string(), hex);
        assert_eq!(from_hex(hex), Some(sha256(b"abc")));
        assert_eq!(from_hex(&hex.to_uppercase()), Some(sha256(b"abc")));
    }

    #[test]
    fn anything_but_64_hexadecimal_digits_is_rejected() {
        let good = "ab".repeat(32);
        assert!(from_hex(&good).is_some());
        for bad in ["", &good[1..], &good[2..], &format!("{good}a"), &format!("{good}ab")] {
            assert_eq!(from_hex(bad), None, "{bad}");
        }
        for bad in ["g", "+", "-", " ", "\n", ":", "x", "\0"] {
            assert_eq!(from_hex(&good.replacen('a', bad, 1)), None, "{bad:?}");
        }
        assert_eq!(from_hex(&good.replacen("ab", "ä", 1)), None);
    }
}
