//! The fingerprint of a certificate.

use std::{fmt, str::FromStr};

use crate::verifiers::shared::digest::{from_hex, sha256, to_hex};

/// The SHA-256 of a certificate's DER.
///
/// Its text form is 64 hexadecimal digits. Parsing accepts both cases, and colons between all bytes, as
/// `openssl x509 -fingerprint -sha256` prints them:
///
/// ```
/// # use tonic_guard::certificates::Fingerprint;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let plain: Fingerprint =
///     "0f3c1f2e9b8a7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c5b4a392817060504".parse()?;
/// let colons: Fingerprint = "0F:3C:1F:2E:9B:8A:7D:6C:5B:4A:39:28:17:06:F5:E4:\
///     D3:C2:B1:A0:9F:8E:7D:6C:5B:4A:39:28:17:06:05:04".parse()?;
/// assert_eq!(plain, colons);
///
/// // Rejected: a SHA-1.
/// assert!("3b1c7a0e5f4d2c1b0a9988776655443322110000".parse::<Fingerprint>().is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(super) fn of(der: &[u8]) -> Self {
        Fingerprint(sha256(der))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        let digest = if text.contains(':') {
            let pairs = || text.split(':');
            if pairs().any(|pair| pair.len() != 2) {
                return Err(InvalidFingerprint(()));
            }
            from_hex(&pairs().collect::<String>())
        } else {
            from_hex(text)
        };
        digest.map(Fingerprint).ok_or(InvalidFingerprint(()))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&to_hex(&self.0), f)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// The text isn't a [`Fingerprint`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidFingerprint(());

impl fmt::Display for InvalidFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected 64 hexadecimal digits, with colons between all bytes or none")
    }
}

impl std::error::Error for InvalidFingerprint {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_is_parsed_from_its_own_text() {
        let printed = Fingerprint::of(b"abc").to_string();
        // FIPS 180-4's example.
        assert_eq!(printed, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(printed.parse(), Ok(Fingerprint::of(b"abc")));
        assert!(Fingerprint::of(b"abc").as_bytes().starts_with(&[0xba, 0x78, 0x16]));
        assert_eq!(printed.to_uppercase().parse(), Ok(Fingerprint::of(b"abc")));
    }

    #[test]
    fn text_of_another_form_is_rejected() {
        let good = "ab".repeat(32);
        let colons = vec!["ab"; 32].join(":");
        assert!(good.parse::<Fingerprint>().is_ok() && colons.parse::<Fingerprint>().is_ok());
        for text in [
            String::new(),
            good.replacen('a', "", 1),
            format!("{good}a"),
            format!("{good} "),
            format!(" {good}"),
            good.replacen('a', "g", 1),
            good.replacen("ab", "+b", 1),
            format!("{colons}:"),
            format!(":{colons}"),
            colons.replacen(':', "", 1),
            colons.replacen(':', "::", 1),
            colons.replacen(':', " ", 1),
        ] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }
}
