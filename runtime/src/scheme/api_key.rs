//! API keys.

use constant_time_eq::constant_time_eq;
use http::{HeaderName, HeaderValue};

use super::{
    call_head::CallHead,
    extraction::{ExtractError, Extraction},
    header_name::check_header,
    location::CredentialLocation,
    scheme_trait::Scheme,
};
use crate::challenge::Challenge;

/// An API key in a dedicated header: `scheme = "api-key"`, which reads `x-api-key`.
///
/// `scheme = ApiKey::header("x-ingest-key")` reads another header.
#[derive(Clone, Debug)]
pub struct ApiKey {
    header: HeaderName,
}

impl ApiKey {
    /// Creates the scheme for the header `x-api-key`.
    pub const fn new() -> Self {
        ApiKey { header: HeaderName::from_static("x-api-key") }
    }

    /// Creates the scheme for the header `name`. In a constant, and as a literal in an attribute, the name is
    /// checked at compile time.
    ///
    /// ```
    /// # use tonic_guard::scheme::ApiKey;
    /// const INGEST: ApiKey = ApiKey::header("x-ingest-key");
    /// ```
    /// ```compile_fail
    /// # use tonic_guard::scheme::ApiKey;
    /// const INGEST: ApiKey = ApiKey::header("X Ingest");
    /// ```
    ///
    /// # Panics
    /// Panics when `name` isn't a header name in lower case, and when gRPC or HTTP reserves it:
    /// `authorization`, `cookie`, `grpc-*`, `*-bin` and others.
    pub const fn header(name: &'static str) -> Self {
        check_header(name);
        ApiKey { header: HeaderName::from_static(name) }
    }
}

impl Default for ApiKey {
    fn default() -> Self {
        ApiKey::new()
    }
}

impl Scheme for ApiKey {
    type Credentials = ApiKeyValue;

    fn name(&self) -> &str {
        "api-key"
    }

    fn location(&self) -> CredentialLocation {
        CredentialLocation::Header(self.header.clone())
    }

    fn extract(&self, head: &CallHead<'_>) -> Result<Extraction<ApiKeyValue>, ExtractError> {
        let Some(value) = head.single(&self.header)? else {
            return Ok(Extraction::Absent);
        };
        // A comma is malformed, because a proxy joins two header values with a comma.
        let valid = |byte: &u8| byte.is_ascii_graphic() && *byte != b',';
        if value.is_empty() || !value.as_bytes().iter().all(valid) {
            return Err(ExtractError::Malformed);
        }
        Ok(Extraction::Credentials(ApiKeyValue(value.clone())))
    }

    fn challenge(&self) -> Option<Challenge> {
        Some(Challenge::new("ApiKey").param("header", self.header.as_str()))
    }

    fn invalid_reason(&self) -> &'static str {
        "API_KEY_INVALID"
    }
}

/// A key that [`ApiKey`] has extracted. Its `Debug` output is redacted.
#[derive(Clone)]
pub struct ApiKeyValue(HeaderValue);

impl ApiKeyValue {
    /// Returns the key, which consists of printable ASCII without spaces and commas.
    pub fn as_str(&self) -> &str {
        // `extract` accepts only ASCII, so the default is unreachable.
        self.0.to_str().unwrap_or_default()
    }

    /// Compares the key with `expected` in constant time.
    pub fn matches(&self, expected: &str) -> bool {
        constant_time_eq(self.0.as_bytes(), expected.as_bytes())
    }
}

impl std::fmt::Debug for ApiKeyValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKeyValue([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&[u8]]) -> Result<Extraction<String>, ExtractError> {
        let mut headers = http::HeaderMap::new();
        for value in values {
            headers.append("x-api-key", HeaderValue::from_bytes(value).unwrap());
        }
        let extensions = http::Extensions::new();
        ApiKey::new().extract(&CallHead::new(&headers, &extensions)).map(|extraction| {
            match extraction {
                Extraction::Absent => Extraction::Absent,
                Extraction::OtherScheme => Extraction::OtherScheme,
                Extraction::Credentials(key) => Extraction::Credentials(key.as_str().to_owned()),
            }
        })
    }

    #[test]
    fn a_key_is_extracted() {
        assert_eq!(read(&[b"k-1:x/y=="]), Ok(Extraction::Credentials("k-1:x/y==".into())));
        assert_eq!(read(&[]), Ok(Extraction::Absent));
    }

    #[test]
    fn a_key_matches_only_itself_and_debug_is_redacted() {
        let key = ApiKeyValue(HeaderValue::from_static("k-1"));
        assert!(key.matches("k-1"));
        for other in ["", "k-", "k-11", "K-1", "k-2"] {
            assert!(!key.matches(other), "{other:?}");
        }
        assert_eq!(format!("{key:?}"), "ApiKeyValue([redacted])");
    }

    #[test]
    fn invalid_keys_are_malformed() {
        for value in [&b""[..], b" ", b"a b", b"a,b", b"a\tb", b"k\xff"] {
            assert_eq!(read(&[value]), Err(ExtractError::Malformed), "{value:?}");
        }
    }

    #[test]
    fn two_keys_are_duplicates_even_when_equal() {
        assert_eq!(read(&[b"a", b"a"]), Err(ExtractError::Duplicate));
    }

    #[test]
    fn reserved_and_malformed_header_names_are_rejected() {
        let names = [
            "",
            "X-Key",
            "x key",
            "x:key",
            "x-kéy",
            // Valid header names that `ApiKey` doesn't accept.
            "x!key",
            "x~key",
            "grpc-key",
            "x-key-bin",
            "cookie",
            "authorization",
            "te",
            "content-type",
        ];
        for name in names {
            let made = std::panic::catch_unwind(|| ApiKey::header(name));
            assert!(made.is_err(), "{name:?} must be rejected");
        }
        for name in ["x-ingest-key", "apikey", "x_key", "grpc", "bin", "cookie2", "custom"] {
            assert_eq!(
                ApiKey::header(name).location(),
                CredentialLocation::Header(HeaderName::from_static(name))
            );
        }
    }
}
