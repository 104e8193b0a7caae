//! Comparing secrets.

use subtle::{Choice, ConstantTimeEq};

/// Whether two secrets are equal, in a time that tells their lengths alone.
///
/// `subtle` compares slices byte by byte; of words there are eight times fewer.
pub(super) fn equal(left: &[u8], right: &[u8]) -> bool {
    let (left_words, left_rest) = left.as_chunks::<8>();
    let (right_words, right_rest) = right.as_chunks::<8>();
    if left_words.len() != right_words.len() {
        return false;
    }
    let words = left_words.iter().zip(right_words);
    let same = words.fold(Choice::from(1), |same, (left, right)| {
        same & u64::from_ne_bytes(*left).ct_eq(&u64::from_ne_bytes(*right))
    });
    (same & left_rest.ct_eq(right_rest)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_other_byte_anywhere_makes_them_differ() {
        for length in 0..40 {
            let secret = vec![b'a'; length];
            assert!(equal(&secret, &secret), "{length}");
            assert!(!equal(&secret, &[secret.as_slice(), b"a"].concat()), "{length}");
            for at in 0..length {
                let mut other = secret.clone();
                other[at] ^= 1;
                assert!(!equal(&secret, &other), "{at} of {length}");
                assert!(!equal(&other, &secret), "{at} of {length}");
            }
        }
    }
}
