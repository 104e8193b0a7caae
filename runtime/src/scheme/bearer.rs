//! Bearer tokens.

use constant_time_eq::constant_time_eq;
use http::header::AUTHORIZATION;

use super::{
    authorization::{Token68, token68},
    call_head::CallHead,
    extraction::{ExtractError, Extraction},
    location::CredentialLocation,
    scheme_trait::Scheme,
};
use crate::challenge::{Challenge, check_quotable};

/// A bearer token in the `authorization` header (RFC 6750, section 2.1): `scheme = "bearer"`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bearer {
    realm: Option<&'static str>,
}

impl Bearer {
    /// Creates the scheme without a realm.
    pub const fn new() -> Self {
        Bearer { realm: None }
    }

    /// Creates the scheme with a realm for its challenge.
    ///
    /// # Panics
    /// Panics when `realm` contains a quote, a backslash, or a character that isn't printable ASCII. In a
    /// constant this is a compile error.
    pub const fn realm(realm: &'static str) -> Self {
        check_quotable(realm);
        Bearer { realm: Some(realm) }
    }
}

impl Scheme for Bearer {
    type Credentials = BearerToken;

    fn name(&self) -> &str {
        "bearer"
    }

    #[inline]
    fn location(&self) -> CredentialLocation {
        CredentialLocation::Header(AUTHORIZATION)
    }

    #[inline]
    fn extract(&self, head: &CallHead<'_>) -> Result<Extraction<BearerToken>, ExtractError> {
        Ok(match token68(head, "bearer")? {
            Extraction::Absent => Extraction::Absent,
            Extraction::OtherScheme => Extraction::OtherScheme,
            Extraction::Credentials(token) => Extraction::Credentials(BearerToken(token)),
        })
    }

    fn challenge(&self) -> Option<Challenge> {
        Some(Challenge::new("Bearer").realm(self.realm))
    }
}

/// A token that [`Bearer`] has extracted. Its `Debug` output is redacted.
#[derive(Clone)]
pub struct BearerToken(Token68);

impl BearerToken {
    /// Returns the token, which consists of letters, digits and `-._~+/`, and may end in `=`.
    pub fn as_str(&self) -> &str {
        // A token68 is ASCII, so this is never the default.
        std::str::from_utf8(self.0.as_bytes()).unwrap_or_default()
    }

    /// Returns the token without the UTF-8 validation of [`as_str`](BearerToken::as_str).
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Compares the token with `expected` in constant time.
    ///
    /// ```
    /// # use tonic_guard::{AuthError, scheme::BearerToken};
    /// fn check(token: &BearerToken, expected: &str) -> Result<(), AuthError> {
    ///     if token.matches(expected) { Ok(()) } else { Err(AuthError::invalid()) }
    /// }
    /// ```
    #[inline]
    pub fn matches(&self, expected: &str) -> bool {
        constant_time_eq(self.0.as_bytes(), expected.as_bytes())
    }

    /// Returns the whole header value, to forward it to another server.
    #[cfg(feature = "client")]
    pub(crate) fn header_value(&self) -> http::HeaderValue {
        self.0.header_value()
    }
}

impl std::fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BearerToken([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use http::{Extensions, HeaderMap};

    use super::*;

    #[test]
    fn a_token_matches_only_itself_and_debug_is_redacted() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "Bearer a.b".parse().unwrap());
        let extensions = Extensions::new();
        let extraction = Bearer::new().extract(&CallHead::new(&headers, &extensions));
        let token = extraction.unwrap().credentials().unwrap();
        assert_eq!(token.as_str(), "a.b");
        assert!(token.matches("a.b"));
        for other in ["", "a.", "a.bb", "A.b", "Bearer a.b"] {
            assert!(!token.matches(other), "{other:?}");
        }
        assert_eq!(format!("{token:?}"), "BearerToken([redacted])");
    }
}
