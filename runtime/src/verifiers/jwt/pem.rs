//! PEM (RFC 7468), as far as public keys need it.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::KeyRejected;

const BEGIN: &str = "-----BEGIN ";

const LABELS: [&str; 2] = ["PUBLIC KEY", "RSA PUBLIC KEY"];

/// The DER of the one public key in `pem`.
pub(super) fn public_key(pem: &[u8]) -> Result<Vec<u8>, KeyRejected> {
    let text = std::str::from_utf8(pem).map_err(|_| KeyRejected::Unreadable)?;
    // Of two, whatever they are, one would be silently left out.
    if text.matches(BEGIN).count() > 1 {
        return Err(KeyRejected::Several);
    }
    for label in LABELS {
        let (begin, end) = (format!("{BEGIN}{label}-----"), format!("-----END {label}-----"));
        let Some((_, rest)) = text.split_once(&begin) else {
            continue;
        };
        let (body, _) = rest.split_once(&end).ok_or(KeyRejected::Unreadable)?;
        let body: String = body.split_ascii_whitespace().collect();
        return BASE64_STANDARD.decode(body).map_err(|_| KeyRejected::Unreadable);
    }
    Err(KeyRejected::NotPublic)
}

/// Whether what should be a secret is a key in PEM, or such a key in DER: a SEQUENCE that holds one
/// more SEQUENCE or an INTEGER, and that ends where the bytes do.
pub(super) fn looks_like_key(secret: &[u8]) -> bool {
    secret.windows(BEGIN.len()).any(|window| window == BEGIN.as_bytes()) || is_der_sequence(secret)
}

fn is_der_sequence(bytes: &[u8]) -> bool {
    match bytes {
        [0x30, length, first, ..] if *length < 0x80 => {
            usize::from(*length) == bytes.len() - 2 && matches!(first, 0x30 | 0x02)
        }
        [0x30, 0x81, length, first, ..] => {
            usize::from(*length) == bytes.len() - 3 && matches!(first, 0x30 | 0x02)
        }
        [0x30, 0x82, high, low, first, ..] => {
            usize::from(u16::from_be_bytes([*high, *low])) == bytes.len() - 4
                && matches!(first, 0x30 | 0x02)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn der_of_a_key_is_known_by_its_tags_and_its_length() {
        let of = |head: &[u8], length: usize| {
            let mut bytes = head.to_vec();
            bytes.resize(length, 7);
            bytes
        };
        for (bytes, key) in [
            // Ed25519, a small RSA key and one of 2048 bits, as everyone has them.
            (of(&[0x30, 42, 0x30], 44), true),
            (of(&[0x30, 42, 0x02], 44), true),
            (of(&[0x30, 0x7f, 0x30], 129), true),
            (of(&[0x30, 0x81, 159, 0x30], 162), true),
            (of(&[0x30, 0x81, 137, 0x02], 140), true),
            (of(&[0x30, 0x82, 0x01, 0x22, 0x30], 294), true),
            (of(&[0x30, 0x82, 0x01, 0x0a, 0x02], 270), true),
            // What begins like one and isn't.
            (of(&[0x30, 42, 0x04], 44), false),
            (of(&[0x30, 0x81, 159, 0x04], 162), false),
            (of(&[0x30, 0x82, 0x01, 0x22, 0x04], 294), false),
            (of(&[0x30, 42, 0x30], 43), false),
            (of(&[0x30, 42, 0x30], 45), false),
            (of(&[0x30, 0x81, 159, 0x30], 161), false),
            (of(&[0x30, 0x81, 159, 0x30], 163), false),
            (of(&[0x30, 0x82, 0x01, 0x22, 0x30], 293), false),
            (of(&[0x30, 0x82, 0x01, 0x22, 0x30], 295), false),
            (of(&[0x30, 0x80, 0x30], 130), false),
            (of(&[0x31, 42, 0x30], 44), false),
            (of(&[0x30], 1), false),
            (of(&[], 0), false),
        ] {
            assert_eq!(looks_like_key(&bytes), key, "{bytes:?}");
        }
    }
}
