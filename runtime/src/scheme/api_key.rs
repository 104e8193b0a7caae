use constant_time_eq::constant_time_eq;
use http::{HeaderName, HeaderValue};

use super::{CredentialLocation, ExtractError, Extraction, Scheme};
use crate::{challenge::Challenge, scheme::CallHead};

/// A key in a header of its own. The word `"api-key"`, which reads `x-api-key`.
///
/// Another header is named as a value: `scheme = ApiKey::header("x-ingest-key")`.
#[derive(Clone, Debug)]
pub struct ApiKey {
    header: HeaderName,
}

impl ApiKey {
    /// A key in `x-api-key`.
    pub const fn new() -> Self {
        ApiKey { header: HeaderName::from_static("x-api-key") }
    }

    /// A key in the header `name`. Written out in an attribute, it is checked as the code compiles.
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
    /// When `name` isn't a header name in lower case, or is one that gRPC, HTTP or another scheme
    /// owns: `authorization`, `cookie`, `grpc-*`, `*-bin` and the like.
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
        // Printable, without spaces, and no comma: a proxy joins two values with one.
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

/// The key of a call under [`ApiKey`]. It never prints.
#[derive(Clone)]
pub struct ApiKeyValue(HeaderValue);

impl ApiKeyValue {
    /// The key: printable ASCII without spaces and commas.
    pub fn as_str(&self) -> &str {
        // `extract` lets ASCII through alone, so this is never the default.
        self.0.to_str().unwrap_or_default()
    }

    /// Whether this is the key `expected`, in a time that doesn't tell where they differ.
    pub fn matches(&self, expected: &str) -> bool {
        constant_time_eq(self.0.as_bytes(), expected.as_bytes())
    }
}

impl std::fmt::Debug for ApiKeyValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKeyValue([redacted])")
    }
}

/// Names that already mean something else on a gRPC call.
const RESERVED: [&str; 12] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "host",
    "te",
    "content-type",
    "content-length",
    "connection",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

const fn check_header(name: &str) {
    let bytes = name.as_bytes();
    assert!(!bytes.is_empty(), "the header of an API key needs a name");
    let mut at = 0;
    while at < bytes.len() {
        #[allow(clippy::indexing_slicing, reason = "`get` isn't const on slices of 1.88")]
        let byte = bytes[at];
        assert!(
            !byte.is_ascii_uppercase(),
            "the header of an API key is written in lower case, such as \"x-ingest-key\""
        );
        assert!(
            byte.is_ascii_lowercase()
                || byte.is_ascii_digit()
                || byte == b'-'
                || byte == b'_'
                || byte == b'.',
            "the header of an API key is made of letters, digits, `-`, `_` and `.`, such as \"x-ingest-key\""
        );
        at += 1;
    }
    assert!(
        !matches!(bytes, [b'g', b'r', b'p', b'c', b'-', ..]),
        "headers that begin with `grpc-` belong to gRPC: name the API key's header otherwise"
    );
    assert!(
        !matches!(bytes, [.., b'-', b'b', b'i', b'n']),
        "headers that end in `-bin` are base64 in gRPC: name the API key's header otherwise"
    );
    let mut at = 0;
    while at < RESERVED.len() {
        #[allow(clippy::indexing_slicing, reason = "`get` isn't const on arrays of 1.88")]
        let reserved = RESERVED[at];
        assert!(
            !equal(bytes, reserved.as_bytes()),
            "this header has a meaning of its own in HTTP or gRPC: name the API key's header otherwise"
        );
        at += 1;
    }
}

#[allow(clippy::indexing_slicing, reason = "a const fn can't compare slices otherwise")]
const fn equal(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
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
        ApiKey::new().extract(&CallHead::new(&headers, &extensions)).map(|found| match found {
            Extraction::Absent => Extraction::Absent,
            Extraction::OtherScheme => Extraction::OtherScheme,
            Extraction::Credentials(key) => Extraction::Credentials(key.as_str().to_owned()),
        })
    }

    #[test]
    fn a_key_is_found() {
        assert_eq!(read(&[b"k-1:x/y=="]), Ok(Extraction::Credentials("k-1:x/y==".into())));
        assert_eq!(read(&[]), Ok(Extraction::Absent));
    }

    #[test]
    fn a_key_matches_itself_alone_and_never_prints() {
        let key = ApiKeyValue(HeaderValue::from_static("k-1"));
        assert!(key.matches("k-1"));
        for other in ["", "k-", "k-11", "K-1", "k-2"] {
            assert!(!key.matches(other), "{other:?}");
        }
        assert_eq!(format!("{key:?}"), "ApiKeyValue([redacted])");
    }

    #[test]
    fn what_is_no_key_is_malformed() {
        for value in [&b""[..], b" ", b"a b", b"a,b", b"a\tb", b"k\xff"] {
            assert_eq!(read(&[value]), Err(ExtractError::Malformed), "{value:?}");
        }
    }

    #[test]
    fn two_keys_are_overloaded_even_when_equal() {
        assert_eq!(read(&[b"a", b"a"]), Err(ExtractError::Duplicate));
    }

    #[test]
    fn reserved_and_ill_formed_headers_are_refused() {
        let names = [
            "",
            "X-Key",
            "x key",
            "x:key",
            "x-kéy",
            // These are header names, and none for a key.
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
            assert!(made.is_err(), "{name:?} must be refused");
        }
        for name in ["x-ingest-key", "apikey", "x_key", "grpc", "bin", "cookie2", "custom"] {
            assert_eq!(
                ApiKey::header(name).location(),
                CredentialLocation::Header(HeaderName::from_static(name))
            );
        }
    }
}
