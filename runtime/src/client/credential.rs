//! The header that a call carries its credentials in.

use std::{error::Error, fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use constant_time_eq::constant_time_eq;
use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};

use crate::scheme::{ApiKey, BearerToken, CredentialLocation, Scheme, is_token68};

/// A header name and the credentials in it. `Debug` doesn't print the value.
///
/// [`CallCredentials`](super::CallCredentials) make credentials from tokens. Make one by hand to use it for a
/// single call, with [`CallOptions`](super::CallOptions).
///
/// ```
/// use tonic_guard::client::Credential;
///
/// let credential = Credential::bearer("s3cret").unwrap();
/// assert!(!format!("{credential:?}").contains("s3cret"));
///
/// // An error: a header value can't hold a line feed.
/// assert!(Credential::bearer("two\nlines").is_err());
/// ```
#[derive(Clone)]
pub struct Credential(Arc<CredentialHeader>);

/// Shared, because each call keeps the credential of its first attempt.
struct CredentialHeader {
    name: HeaderName,
    value: HeaderValue,
}

impl Credential {
    /// Makes `authorization: Bearer TOKEN` (RFC 6750, section 2.1).
    ///
    /// # Errors
    /// When the token isn't one that [`Bearer`](crate::scheme::Bearer) extracts: letters, digits and `-._~+/`, then
    /// any number of `=` (RFC 9110, section 11.2).
    pub fn bearer(token: &str) -> Result<Self, InvalidCredential> {
        if !is_token68(token.as_bytes()) {
            return Err(InvalidCredential);
        }
        Credential::new(AUTHORIZATION, "Bearer ", token)
    }

    /// Makes the header of `scheme`, with `key` as its value.
    ///
    /// # Errors
    /// When the key is empty, or has a comma or a character that isn't visible ASCII.
    pub fn api_key(scheme: &ApiKey, key: &str) -> Result<Self, InvalidCredential> {
        match scheme.location() {
            CredentialLocation::Header(header) => Credential::new(header, "", visible(key)?),
            CredentialLocation::Extensions | CredentialLocation::Connection => {
                Err(InvalidCredential)
            }
        }
    }

    /// Makes `authorization: Basic ..` (RFC 7617, section 2).
    ///
    /// # Errors
    /// When the user id has a colon, or one of the arguments has a control character.
    pub fn basic(user_id: &str, password: &str) -> Result<Self, InvalidCredential> {
        let has_control = |text: &str| text.chars().any(char::is_control);
        if user_id.contains(':') || has_control(user_id) || has_control(password) {
            return Err(InvalidCredential);
        }
        let encoded = STANDARD.encode(format!("{user_id}:{password}"));
        Credential::new(AUTHORIZATION, "Basic ", &encoded)
    }

    fn new(name: HeaderName, prefix: &str, secret: &str) -> Result<Self, InvalidCredential> {
        let value = HeaderValue::try_from(format!("{prefix}{secret}"));
        Ok(Credential::from_header(name, value.map_err(|_| InvalidCredential)?))
    }

    fn from_header(name: HeaderName, mut value: HeaderValue) -> Self {
        // Keeps the value out of `{request:?}` and out of the connection's compression table.
        value.set_sensitive(true);
        Credential(Arc::new(CredentialHeader { name, value }))
    }

    /// Sets the header in `headers`, and replaces its values.
    pub(super) fn attach(&self, headers: &mut HeaderMap) {
        let CredentialHeader { name, value } = &*self.0;
        headers.insert(name.clone(), value.clone());
    }

    pub(super) fn header(&self) -> &HeaderName {
        &self.0.name
    }

    /// Returns true if both are the same header and value. A server that rejects one rejects the other.
    pub(super) fn is_same(&self, other: &Credential) -> bool {
        self.header() == other.header()
            && constant_time_eq(self.0.value.as_bytes(), other.0.value.as_bytes())
    }
}

/// Forwards the token of a caller to the next service.
impl From<&BearerToken> for Credential {
    fn from(token: &BearerToken) -> Self {
        Credential::from_header(AUTHORIZATION, token.header_value())
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({}: [redacted])", self.header())
    }
}

/// The scheme that turns the secret of a token into a credential.
#[derive(Clone)]
pub(super) enum Form {
    Bearer,
    ApiKey(ApiKey),
    Basic { user_id: Box<str> },
}

impl Form {
    /// Returns the header that carries the credentials.
    pub(super) fn header(&self) -> HeaderName {
        match self {
            Form::ApiKey(scheme) => match scheme.location() {
                CredentialLocation::Header(header) => header,
                CredentialLocation::Extensions | CredentialLocation::Connection => AUTHORIZATION,
            },
            Form::Bearer | Form::Basic { .. } => AUTHORIZATION,
        }
    }

    /// Makes the credential for `secret`.
    pub(super) fn credential(&self, secret: &str) -> Result<Credential, InvalidCredential> {
        match self {
            Form::Bearer => Credential::bearer(secret),
            Form::ApiKey(scheme) => Credential::api_key(scheme, secret),
            Form::Basic { user_id } => Credential::basic(user_id, secret),
        }
    }
}

/// Requires a secret that every proxy forwards as one value.
///
/// Proxies may change spaces and control characters, and a comma separates two values.
fn visible(secret: &str) -> Result<&str, InvalidCredential> {
    let valid = |byte: u8| byte.is_ascii_graphic() && byte != b',';
    if secret.is_empty() || !secret.bytes().all(valid) {
        Err(InvalidCredential)
    } else {
        Ok(secret)
    }
}

/// A token, key or password that the header of its scheme can't hold.
///
/// The error has no details, because they would reveal parts of the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCredential;

impl InvalidCredential {
    /// Describes the error, with a frequent reason if `secret` has one. The text quotes nothing of the secret.
    pub(super) fn describe(self, secret: &str) -> String {
        let word = secret.get(..7).unwrap_or_default();
        let reason = match () {
            () if secret.starts_with('\u{feff}') => ": it begins with a byte-order mark",
            () if secret.starts_with(['"', '\'']) => ": it begins with a quote",
            () if word.eq_ignore_ascii_case("bearer ") => ": it begins with the word `Bearer`",
            () => "",
        };
        format!("{self}{reason}")
    }
}

impl fmt::Display for InvalidCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the credential is empty or has characters that its header can't hold")
    }
}

impl Error for InvalidCredential {}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(credential: &Credential) -> (String, String) {
        let mut headers = HeaderMap::new();
        credential.attach(&mut headers);
        let (name, value) = headers.iter().next().unwrap();
        assert!(value.is_sensitive());
        (name.to_string(), String::from_utf8(value.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn each_scheme_has_its_header() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let key = ApiKey::header("x-ingest-key");
        for (credential, expected) in [
            (Credential::bearer("a.b-c"), pair("authorization", "Bearer a.b-c")),
            (Credential::api_key(&key, "k-1"), pair("x-ingest-key", "k-1")),
            (Credential::basic("ada", "pa:ss"), pair("authorization", "Basic YWRhOnBhOnNz")),
        ] {
            assert_eq!(header(&credential.unwrap()), expected);
        }
    }

    #[test]
    fn invalid_header_value_is_an_error() {
        for secret in ["", " ", "a b", "a,b", "a\nb", "a\r\nx-admin: 1", "tök", "a\u{7f}"] {
            assert!(Credential::bearer(secret).is_err(), "{secret:?}");
            assert!(Credential::api_key(&ApiKey::new(), secret).is_err(), "{secret:?}");
        }
        for token in ["\"a\"", "'a'", "a:b", "a;b", "=", "a=b", "Bearer a", "\u{feff}a"] {
            assert!(Credential::bearer(token).is_err(), "{token:?}");
        }
        for token in ["a", "a.b-c_d~e+f/g=="] {
            assert!(Credential::bearer(token).is_ok(), "{token:?}");
        }
        for (user_id, password) in [("a:b", "c"), ("a\n", "c"), ("a", "c\0")] {
            assert!(Credential::basic(user_id, password).is_err(), "{user_id:?} {password:?}");
        }
    }

    #[test]
    fn credentials_with_another_header_or_value_differ() {
        let one = Credential::bearer("a").unwrap();
        assert!(one.is_same(&Credential::bearer("a").unwrap()));
        assert!(!one.is_same(&Credential::bearer("b").unwrap()));
        assert!(!one.is_same(&Credential::api_key(&ApiKey::new(), "a").unwrap()));
    }
}
