//! Bearer tokens.

use constant_time_eq::constant_time_eq;
use http::{HeaderName, header::AUTHORIZATION};

use super::{
    authorization::{Token68, bare_token68, token68},
    call_head::CallHead,
    extraction::{ExtractError, Extraction},
    header_name::check_header,
    location::CredentialLocation,
    scheme_trait::Scheme,
};
use crate::challenge::{Challenge, check_quotable};

/// The default of [`Bearer::max_length`]: 16 KiB.
const DEFAULT_MAX_LENGTH: usize = 16 * 1024;

/// A bearer token in the `authorization` header (RFC 6750, section 2.1): `scheme = "bearer"`.
///
/// [`in_header`](Bearer::in_header) reads another header. A token of more than 16 KiB is malformed;
/// [`max_length`](Bearer::max_length) sets another limit.
#[derive(Clone, Copy, Debug)]
pub struct Bearer {
    realm: Option<&'static str>,
    /// The header that carries the token alone. `None` is `authorization`.
    header: Option<&'static str>,
    max_length: usize,
}

impl Bearer {
    /// Creates the scheme without a realm.
    pub const fn new() -> Self {
        Bearer { realm: None, header: None, max_length: DEFAULT_MAX_LENGTH }
    }

    /// Creates the scheme with a realm for its challenge.
    ///
    /// # Panics
    /// Panics when `realm` contains a quote, a backslash, or a character that isn't printable ASCII. In a
    /// constant this is a compile error.
    pub const fn realm(realm: &'static str) -> Self {
        check_quotable(realm);
        Bearer { realm: Some(realm), ..Bearer::new() }
    }

    /// Creates the scheme for tokens in the header `name`, whose value is the token alone, without the word
    /// `Bearer`. Every verifier of bearer tokens accepts them.
    ///
    /// It is for proxies that sign a token for the server behind them: Google's Identity-Aware Proxy sends
    /// `x-goog-iap-jwt-assertion`, Cloudflare Access `cf-access-jwt-assertion`. Use it with a verifier that
    /// checks the signature and the audience. The header's name proves nothing, because any caller who reaches
    /// the server can set it: an unsigned header such as `x-user` doesn't authenticate anyone.
    ///
    /// A rejected call gets no challenge, because RFC 6750 defines none for this header. In a constant, and as
    /// a literal in an attribute, the name is checked at compile time, by the rules of
    /// [`ApiKey::header`](super::ApiKey::header).
    ///
    /// ```
    /// # use tonic_guard::scheme::Bearer;
    /// const IAP: Bearer = Bearer::in_header("x-goog-iap-jwt-assertion");
    /// ```
    /// ```compile_fail
    /// # use tonic_guard::scheme::Bearer;
    /// const COOKIE: Bearer = Bearer::in_header("cookie");
    /// ```
    ///
    /// # Panics
    /// Panics when `name` isn't a header name in lower case, and when gRPC or HTTP reserves it:
    /// `authorization`, `cookie`, `grpc-*`, `*-bin` and others.
    pub const fn in_header(name: &'static str) -> Self {
        check_header(name);
        Bearer { header: Some(name), ..Bearer::new() }
    }

    /// Sets the maximum length of a token in bytes: 16 KiB by default. A longer token is malformed, and no
    /// verifier receives it.
    ///
    /// `JwtVerifier` accepts at most 16 KiB with any setting.
    ///
    /// The transport limits headers too. By default a tonic server accepts 16 KiB for all headers of a call
    /// together, counted with 32 bytes for each header (RFC 9113, section 6.5.2). Beyond that the HTTP library
    /// answers with the status 431 before any layer runs, which a tonic client returns as UNKNOWN, with 431 in the
    /// message and without `ErrorInfo`. `Server::http2_max_header_list_size` sets that limit.
    ///
    /// ```
    /// # use tonic_guard::scheme::Bearer;
    /// const SHORT: Bearer = Bearer::new().max_length(4 * 1024);
    /// ```
    #[must_use]
    pub const fn max_length(self, bytes: usize) -> Self {
        Bearer { max_length: bytes, ..self }
    }
}

impl Default for Bearer {
    fn default() -> Self {
        Bearer::new()
    }
}

impl Scheme for Bearer {
    type Credentials = BearerToken;

    fn name(&self) -> &str {
        "bearer"
    }

    #[inline]
    fn location(&self) -> CredentialLocation {
        CredentialLocation::Header(self.header.map_or(AUTHORIZATION, HeaderName::from_static))
    }

    #[inline]
    fn extract(&self, head: &CallHead<'_>) -> Result<Extraction<BearerToken>, ExtractError> {
        let extraction = match self.header {
            None => token68(head, "bearer", self.max_length)?,
            Some(name) => bare_token68(head, &HeaderName::from_static(name), self.max_length)?,
        };
        Ok(match extraction {
            Extraction::Absent => Extraction::Absent,
            Extraction::OtherScheme => Extraction::OtherScheme,
            Extraction::Credentials(token) => {
                Extraction::Credentials(BearerToken { token, header: self.header })
            }
        })
    }

    /// Returns none for a token in another header.
    fn challenge(&self) -> Option<Challenge> {
        self.header.is_none().then(|| Challenge::new("Bearer").realm(self.realm))
    }
}

/// A token that [`Bearer`] has extracted. Its `Debug` output is redacted.
#[derive(Clone)]
pub struct BearerToken {
    token: Token68,
    header: Option<&'static str>,
}

impl BearerToken {
    /// Returns the token, which consists of letters, digits and `-._~+/`, and may end in `=`.
    pub fn as_str(&self) -> &str {
        // A token68 is ASCII, so this is never the default.
        std::str::from_utf8(self.token.as_bytes()).unwrap_or_default()
    }

    /// Returns the token without the UTF-8 validation of [`as_str`](BearerToken::as_str).
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.token.as_bytes()
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
        constant_time_eq(self.token.as_bytes(), expected.as_bytes())
    }

    /// Returns the header that carried the token, if it wasn't `authorization`: the name given to
    /// [`Bearer::in_header`].
    pub fn other_header(&self) -> Option<&'static str> {
        self.header
    }

    /// Returns the value of an `authorization` header with this token, to forward it to another server.
    #[cfg(feature = "client")]
    pub(crate) fn header_value(&self) -> http::HeaderValue {
        match self.header {
            None => self.token.header_value(),
            Some(_) => self.token.after("Bearer"),
        }
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

    fn extract(scheme: Bearer, name: &str, value: &str) -> Result<Option<String>, ExtractError> {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::try_from(name).unwrap(), value.parse().unwrap());
        let extensions = Extensions::new();
        let extraction = scheme.extract(&CallHead::new(&headers, &extensions))?;
        Ok(extraction.credentials().map(|token| token.as_str().to_owned()))
    }

    #[test]
    fn longer_token_than_the_limit_is_malformed() {
        for scheme in [Bearer::new(), Bearer::realm("r"), Bearer::in_header("x-token")] {
            let (name, word) = match scheme.header {
                Some(name) => (name, ""),
                None => ("authorization", "Bearer "),
            };
            for (scheme, limit) in [(scheme, 16 * 1024), (scheme.max_length(5), 5)] {
                let token = "a".repeat(limit);
                assert_eq!(extract(scheme, name, &format!("{word}{token}")), Ok(Some(token)));
                let longer = format!("{word}{}", "a".repeat(limit + 1));
                assert_eq!(extract(scheme, name, &longer), Err(ExtractError::Malformed));
            }
        }
    }

    #[test]
    fn token_in_another_header_has_its_name_and_no_challenge() {
        let scheme = Bearer::in_header("x-token");
        assert!(scheme.challenge().is_none());
        let name = HeaderName::from_static("x-token");
        assert_eq!(scheme.location(), CredentialLocation::Header(name.clone()));
        let mut headers = HeaderMap::new();
        headers.insert(name, "a.b".parse().unwrap());
        headers.insert(AUTHORIZATION, "Bearer c".parse().unwrap());
        let extensions = Extensions::new();
        let head = CallHead::new(&headers, &extensions);
        let token = scheme.extract(&head).unwrap().credentials().unwrap();
        assert_eq!((token.as_str(), token.other_header()), ("a.b", Some("x-token")));
        #[cfg(feature = "client")]
        assert_eq!(token.header_value(), "Bearer a.b");
        let token = Bearer::new().extract(&head).unwrap().credentials().unwrap();
        assert_eq!((token.as_str(), token.other_header()), ("c", None));
    }

    #[test]
    fn reserved_header_names_are_rejected() {
        for name in ["", "X-Token", "authorization", "cookie", "grpc-token", "x-token-bin"] {
            assert!(std::panic::catch_unwind(|| Bearer::in_header(name)).is_err(), "{name:?}");
        }
    }
}
