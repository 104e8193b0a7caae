//! Public keys in PEM (RFC 7468).

use base64::{Engine, prelude::BASE64_STANDARD};

use super::key_rejected::KeyRejected;

const BEGIN: &str = "-----BEGIN ";

const LABELS: [&str; 2] = ["PUBLIC KEY", "RSA PUBLIC KEY"];

/// Returns the DER of the only public key in `pem`.
pub(super) fn public_key(pem: &[u8]) -> Result<Vec<u8>, KeyRejected> {
    let text = std::str::from_utf8(pem).map_err(|_| KeyRejected::Unreadable)?;
    // With two blocks of any kind, one would be ignored silently.
    if text.matches(BEGIN).count() > 1 {
        return Err(KeyRejected::MultipleKeys);
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

/// Returns whether a secret is in fact a key in PEM, or in DER: a SEQUENCE of exactly these bytes that
/// begins with a SEQUENCE or an INTEGER.
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
    fn der_of_a_key_is_recognised_by_tags_and_length() {
        let bytes = |head: &[u8], length: usize| {
            let mut bytes = head.to_vec();
            bytes.resize(length, 7);
            bytes
        };
        for (bytes, key) in [
            // Ed25519, a small RSA key and one of 2048 bits.
            (bytes(&[0x30, 42, 0x30], 44), true),
            (bytes(&[0x30, 42, 0x02], 44), true),
            (bytes(&[0x30, 0x7f, 0x30], 129), true),
            (bytes(&[0x30, 0x81, 159, 0x30], 162), true),
            (bytes(&[0x30, 0x81, 137, 0x02], 140), true),
            (bytes(&[0x30, 0x82, 0x01, 0x22, 0x30], 294), true),
            (bytes(&[0x30, 0x82, 0x01, 0x0a, 0x02], 270), true),
            // Other tags and other lengths.
            (bytes(&[0x30, 42, 0x04], 44), false),
            (bytes(&[0x30, 0x81, 159, 0x04], 162), false),
            (bytes(&[0x30, 0x82, 0x01, 0x22, 0x04], 294), false),
            (bytes(&[0x30, 42, 0x30], 43), false),
            (bytes(&[0x30, 42, 0x30], 45), false),
            (bytes(&[0x30, 0x81, 159, 0x30], 161), false),
            (bytes(&[0x30, 0x81, 159, 0x30], 163), false),
            (bytes(&[0x30, 0x82, 0x01, 0x22, 0x30], 293), false),
            (bytes(&[0x30, 0x82, 0x01, 0x22, 0x30], 295), false),
            (bytes(&[0x30, 0x80, 0x30], 130), false),
            (bytes(&[0x31, 42, 0x30], 44), false),
            (bytes(&[0x30], 1), false),
            (bytes(&[], 0), false),
        ] {
            assert_eq!(looks_like_key(&bytes), key, "{bytes:?}");
        }
    }
}
