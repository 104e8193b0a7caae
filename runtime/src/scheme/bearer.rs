use constant_time_eq::constant_time_eq;
use http::header::AUTHORIZATION;

use super::{
    CredentialLocation, ExtractError, Extraction, Scheme,
    authorization::{Token68, token68},
};
use crate::{
    challenge::{Challenge, check_quotable},
    scheme::CallHead,
};

/// A bearer token in the `authorization` header (RFC 6750, section 2.1). The word `"bearer"`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bearer {
    realm: Option<&'static str>,
}

impl Bearer {
    /// The scheme without a realm.
    pub const fn new() -> Self {
        Bearer { realm: None }
    }

    /// The scheme with a realm for its challenge.
    ///
    /// # Panics
    /// When `realm` has a character that a quoted string can't hold; while compiling, if it is
    /// called in a const.
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

/// The token of a call under [`Bearer`]. It never prints.
#[derive(Clone)]
pub struct BearerToken(Token68);

impl BearerToken {
    /// The token: letters, digits, `-._~+/`, and `=` at its end.
    pub fn as_str(&self) -> &str {
        // A token68 is ASCII, so this is never the default.
        std::str::from_utf8(self.0.as_bytes()).unwrap_or_default()
    }

    /// The token, for those who needn't scan it once more to know that it is text.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Whether this is the token `expected`, in a time that doesn't tell where they differ.
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

    /// The header as it came, to be passed on.
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
    fn a_token_matches_itself_alone_and_never_prints() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "Bearer a.b".parse().unwrap());
        let extensions = Extensions::new();
        let found = Bearer::new().extract(&CallHead::new(&headers, &extensions));
        let token = found.unwrap().credentials().unwrap();
        assert_eq!(token.as_str(), "a.b");
        assert!(token.matches("a.b"));
        for other in ["", "a.", "a.bb", "A.b", "Bearer a.b"] {
            assert!(!token.matches(other), "{other:?}");
        }
        assert_eq!(format!("{token:?}"), "BearerToken([redacted])");
    }
}
