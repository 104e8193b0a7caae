//! User ids and passwords.

use base64::{Engine, engine::general_purpose::STANDARD};
use constant_time_eq::constant_time_eq;
use http::header::AUTHORIZATION;

use super::{
    authorization::token68,
    call_head::CallHead,
    extraction::{ExtractError, Extraction},
    location::CredentialLocation,
    scheme_trait::Scheme,
};
use crate::challenge::{Challenge, check_quotable};

/// A user id and a password in the `authorization` header (RFC 7617): `scheme = "basic"`.
#[derive(Clone, Copy, Debug)]
pub struct Basic {
    realm: &'static str,
}

impl Basic {
    /// Creates the scheme with the realm `grpc`. RFC 7617 requires a realm in the challenge.
    pub const fn new() -> Self {
        Basic { realm: "grpc" }
    }

    /// Creates the scheme with a realm for its challenge.
    ///
    /// # Panics
    /// Panics when `realm` contains a quote, a backslash, or a character that isn't printable ASCII. In a
    /// constant this is a compile error.
    pub const fn realm(realm: &'static str) -> Self {
        check_quotable(realm);
        Basic { realm }
    }
}

impl Default for Basic {
    fn default() -> Self {
        Basic::new()
    }
}

impl Scheme for Basic {
    type Credentials = BasicCredentials;

    fn name(&self) -> &str {
        "basic"
    }

    fn location(&self) -> CredentialLocation {
        CredentialLocation::Header(AUTHORIZATION)
    }

    fn extract(&self, head: &CallHead<'_>) -> Result<Extraction<BasicCredentials>, ExtractError> {
        Ok(match token68(head, "basic", usize::MAX)? {
            Extraction::Absent => Extraction::Absent,
            Extraction::OtherScheme => Extraction::OtherScheme,
            Extraction::Credentials(token) => Extraction::Credentials(decode(token.as_bytes())?),
        })
    }

    fn challenge(&self) -> Option<Challenge> {
        Some(Challenge::new("Basic").realm(Some(self.realm)).param("charset", "UTF-8"))
    }
}

/// Decodes the token68 as RFC 7617, section 2, requires: UTF-8 without control characters, in which the
/// first colon ends the user id.
fn decode(token: &[u8]) -> Result<BasicCredentials, ExtractError> {
    let bytes = STANDARD.decode(token).map_err(|_| ExtractError::Malformed)?;
    let text = String::from_utf8(bytes).map_err(|_| ExtractError::Malformed)?;
    if text.chars().any(char::is_control) {
        return Err(ExtractError::Malformed);
    }
    let (user_id, password) = text.split_once(':').ok_or(ExtractError::Malformed)?;
    Ok(BasicCredentials { user_id: user_id.into(), password: password.into() })
}

/// Credentials that [`Basic`] has extracted. Their `Debug` output is redacted.
#[derive(Clone)]
pub struct BasicCredentials {
    user_id: Box<str>,
    password: Box<str>,
}

impl BasicCredentials {
    /// Returns the user id: the text before the first colon. It may be empty.
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// Returns the password: the text after the first colon. It may be empty and may contain colons.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Compares the password with `expected` in constant time.
    ///
    /// This fits a password from a secret store. Store the passwords of people hashed.
    pub fn password_matches(&self, expected: &str) -> bool {
        constant_time_eq(self.password.as_bytes(), expected.as_bytes())
    }
}

impl std::fmt::Debug for BasicCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BasicCredentials([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Option<(String, String)> {
        let decoded = decode(STANDARD.encode(text).as_bytes()).ok()?;
        Some((decoded.user_id().to_owned(), decoded.password().to_owned()))
    }

    #[test]
    fn the_first_colon_ends_the_user_id() {
        let pair = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        assert_eq!(read(b"ada:a:b:c"), pair("ada", "a:b:c"));
        assert_eq!(read(b"ada:"), pair("ada", ""));
        assert_eq!(read(b":pw"), pair("", "pw"));
        assert_eq!(read("ada:pä".as_bytes()), pair("ada", "pä"));
    }

    #[test]
    fn a_password_matches_only_itself_and_debug_is_redacted() {
        let credentials = decode(STANDARD.encode("ada:pa:ss").as_bytes()).unwrap();
        assert!(credentials.password_matches("pa:ss"));
        for other in ["", "pa:s", "pa:sss", "ss", "Pa:ss"] {
            assert!(!credentials.password_matches(other), "{other:?}");
        }
        assert_eq!(format!("{credentials:?}"), "BasicCredentials([redacted])");
    }

    #[test]
    fn violations_of_the_grammar_are_malformed() {
        assert_eq!(read(b"no colon"), None);
        assert_eq!(read(b""), None);
        assert_eq!(read(b"a:b\x00"), None);
        assert_eq!(read(b"a\n:b"), None);
        assert_eq!(read(b"a:b\x7f"), None);
        assert_eq!(read("a:b\u{85}".as_bytes()), None);
        assert_eq!(read(b"a:\xff"), None);
        assert!(decode(b"YTpi=").is_err(), "padding too long");
        assert!(decode(b"YTpiYw").is_err(), "padding missing");
        assert!(decode(b"YTp=").is_err(), "trailing bits");
        assert!(decode(b"YT-i").is_err(), "the URL alphabet");
    }
}
