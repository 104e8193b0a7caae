//! SPIFFE IDs and trust domains.

use std::{error::Error, fmt, str::FromStr};

/// A SPIFFE ID, such as `spiffe://prod.example/billing` (SPIFFE-ID, section 2).
///
/// IDs are compared as text, because an ID has only one text form.
///
/// ```
/// # use tonic_guard::certificates::SpiffeId;
/// let id: SpiffeId = "spiffe://prod.example/ns/shop/sa/billing".parse().unwrap();
/// assert_eq!((id.trust_domain(), id.path()), ("prod.example", "/ns/shop/sa/billing"));
///
/// for invalid in ["https://prod.example/a", "spiffe://prod.example/../a", "spiffe://prod.example/%61"] {
///     assert!(invalid.parse::<SpiffeId>().is_err());
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpiffeId {
    text: String,
    /// The index at which the path begins.
    path: usize,
}

/// The name of a trust domain, such as `prod.example` (SPIFFE-ID, section 2.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrustDomain(String);

/// Why a text isn't a [`SpiffeId`] or a [`TrustDomain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidSpiffeId(&'static str);

impl fmt::Display for InvalidSpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for InvalidSpiffeId {}

/// The maximum length of an ID in bytes (SPIFFE-ID, section 2.3).
const MAX_ID: usize = 2048;
const MAX_TRUST_DOMAIN: usize = 255;
const SCHEME: &str = "spiffe://";

impl SpiffeId {
    /// The trust domain, such as `prod.example`.
    pub fn trust_domain(&self) -> &str {
        self.text.get(SCHEME.len()..self.path).unwrap_or_default()
    }

    /// The path, such as `/billing`. It is empty in the ID of a trust domain, which isn't that of a workload.
    pub fn path(&self) -> &str {
        self.text.get(self.path..).unwrap_or_default()
    }

    /// The whole ID.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for SpiffeId {
    type Err = InvalidSpiffeId;

    fn from_str(text: &str) -> Result<Self, InvalidSpiffeId> {
        if text.len() > MAX_ID {
            return Err(InvalidSpiffeId("the SPIFFE ID has more than 2048 bytes"));
        }
        let Some(rest) = text.strip_prefix(SCHEME) else {
            return Err(InvalidSpiffeId("the SPIFFE ID doesn't begin with `spiffe://`"));
        };
        let (domain, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        check_trust_domain(domain)?;
        check_path(path)?;
        Ok(SpiffeId { text: text.to_owned(), path: SCHEME.len() + domain.len() })
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TrustDomain {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TrustDomain {
    type Err = InvalidSpiffeId;

    fn from_str(text: &str) -> Result<Self, InvalidSpiffeId> {
        check_trust_domain(text)?;
        Ok(TrustDomain(text.to_owned()))
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check_trust_domain(name: &str) -> Result<(), InvalidSpiffeId> {
    let valid = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_');
    if name.is_empty() || name.len() > MAX_TRUST_DOMAIN || !name.bytes().all(valid) {
        return Err(InvalidSpiffeId(
            "the trust domain isn't 1 to 255 lower-case letters, digits, `.`, `-` and `_`",
        ));
    }
    Ok(())
}

/// Checks that a path is empty or consists of segments after a `/` each, without percent-encoding, `.` and
/// `..`.
fn check_path(path: &str) -> Result<(), InvalidSpiffeId> {
    let mut segments = path.split('/');
    // The empty text before the first `/`: `path` is empty or begins with one.
    segments.next();
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    for segment in segments {
        if matches!(segment, "" | "." | "..") || !segment.bytes().all(valid) {
            return Err(InvalidSpiffeId(
                "the path of the SPIFFE ID has a segment that is empty, `.` or `..`, or that has other \
                 characters than letters, digits, `.`, `-` and `_`",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_is_split_into_trust_domain_and_path() {
        for (text, domain, path) in [
            ("spiffe://prod.example", "prod.example", ""),
            ("spiffe://prod.example/a", "prod.example", "/a"),
            ("spiffe://a_b-c.1/x/Y.z/-_", "a_b-c.1", "/x/Y.z/-_"),
            ("spiffe://d/.../..a/a..", "d", "/.../..a/a.."),
        ] {
            let id: SpiffeId = text.parse().unwrap();
            assert_eq!((id.trust_domain(), id.path(), id.as_str()), (domain, path, text));
        }
    }

    #[test]
    fn ambiguous_or_invalid_id_is_rejected() {
        for text in [
            "",
            "spiffe",
            "spiffe:/d/a",
            "spiffe://",
            "spiffe:///a",
            "SPIFFE://d/a",
            "https://d/a",
            " spiffe://d/a",
            "spiffe://d/a ",
            "spiffe://D/a",
            "spiffe://d:443/a",
            "spiffe://user@d/a",
            "spiffe://[::1]/a",
            "spiffe://dé/a",
            "spiffe://d%2e/a",
            "spiffe://d\\a",
            "spiffe://d?x",
            "spiffe://d#x",
            "spiffe://d/",
            "spiffe://d//a",
            "spiffe://d/a/",
            "spiffe://d/.",
            "spiffe://d/./a",
            "spiffe://d/../a",
            "spiffe://d/a/..",
            "spiffe://d/%61",
            "spiffe://d/a?x",
            "spiffe://d/a#x",
            "spiffe://d/a:b",
            "spiffe://d/a b",
            "spiffe://d/é",
            "spiffe://d/a\0",
        ] {
            assert!(text.parse::<SpiffeId>().is_err(), "{text}");
        }
    }

    #[test]
    fn id_and_trust_domain_above_the_maximum_length_are_rejected() {
        let domain = "d".repeat(MAX_TRUST_DOMAIN);
        assert!(domain.parse::<TrustDomain>().is_ok());
        assert!(format!("{domain}d").parse::<TrustDomain>().is_err());
        let longest = format!("spiffe://d/{}", "a".repeat(MAX_ID - "spiffe://d/".len()));
        assert!(longest.parse::<SpiffeId>().is_ok());
        assert!(format!("{longest}a").parse::<SpiffeId>().is_err());
    }
}
