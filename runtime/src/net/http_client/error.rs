#[cfg(any(feature = "introspection", feature = "jwks"))]
use std::borrow::Cow;
use std::{error::Error, fmt, sync::Arc};

#[cfg(any(feature = "introspection", feature = "jwks"))]
use http::StatusCode;
use url::Url;

use super::redact::{redact_text, redact_url};

/// Why a request to an identity provider failed, or can't be sent.
///
/// Names the URL without its query and never contains credentials. A clone shares the cause.
#[derive(Clone, Debug)]
pub struct HttpError {
    /// Redacted. Empty where the error isn't about a URL.
    url: String,
    kind: Arc<HttpErrorKind>,
}

#[derive(Debug)]
enum HttpErrorKind {
    Client(Box<dyn Error + Send + Sync>),
    InvalidUrl(url::ParseError),
    NotHttps,
    Request(reqwest::Error),
    TooLarge,
    #[cfg(any(feature = "introspection", feature = "jwks"))]
    Status(StatusCode),
    #[cfg(any(feature = "introspection", feature = "jwks"))]
    Unusable(Cow<'static, str>),
    #[cfg(any(feature = "introspection", feature = "jwks"))]
    Other(Cow<'static, str>),
}

impl HttpError {
    /// The HTTP client can't be created.
    pub(super) fn client(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        HttpError { url: String::new(), kind: Arc::new(HttpErrorKind::Client(error.into())) }
    }

    /// `text` isn't a URL.
    pub(super) fn invalid_url(text: &str, error: url::ParseError) -> Self {
        HttpError { url: redact_text(text), kind: Arc::new(HttpErrorKind::InvalidUrl(error)) }
    }

    /// The client sends nothing to this URL, because it isn't https.
    pub(super) fn not_https(url: &Url) -> Self {
        HttpError::new(url, HttpErrorKind::NotHttps)
    }

    /// The request failed before the whole response was received.
    pub(super) fn request(url: &Url, error: reqwest::Error) -> Self {
        HttpError::new(url, HttpErrorKind::Request(error.without_url()))
    }

    /// The response exceeds the size limit.
    pub(super) fn too_large(url: &Url) -> Self {
        HttpError::new(url, HttpErrorKind::TooLarge)
    }

    fn new(url: &Url, kind: HttpErrorKind) -> Self {
        HttpError { url: redact_url(url), kind: Arc::new(kind) }
    }
}

#[cfg(any(feature = "introspection", feature = "jwks"))]
impl HttpError {
    /// The response has an unexpected status.
    pub(crate) fn status(url: &Url, status: StatusCode) -> Self {
        HttpError::new(url, HttpErrorKind::Status(status))
    }

    /// The content of the response can't be used. `why` is logged: it must not contain credentials.
    pub(crate) fn unusable(url: &Url, why: impl Into<Cow<'static, str>>) -> Self {
        HttpError::new(url, HttpErrorKind::Unusable(why.into()))
    }

    /// An error that isn't about a request or its response.
    pub(crate) fn other(message: impl Into<Cow<'static, str>>) -> Self {
        HttpError { url: String::new(), kind: Arc::new(HttpErrorKind::Other(message.into())) }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = &self.url;
        match &*self.kind {
            HttpErrorKind::Client(_) => f.write_str("cannot create the HTTP client"),
            HttpErrorKind::InvalidUrl(_) => write!(f, "{url} isn't a URL"),
            HttpErrorKind::NotHttps => write!(f, "{url} isn't https"),
            HttpErrorKind::Request(_) => write!(f, "the request to {url} failed"),
            HttpErrorKind::TooLarge => write!(f, "the response of {url} exceeds 512 KiB"),
            #[cfg(any(feature = "introspection", feature = "jwks"))]
            HttpErrorKind::Status(status) => write!(f, "{url} responded with {status}"),
            #[cfg(any(feature = "introspection", feature = "jwks"))]
            HttpErrorKind::Unusable(why) => write!(f, "the response of {url} can't be used: {why}"),
            #[cfg(any(feature = "introspection", feature = "jwks"))]
            HttpErrorKind::Other(message) => f.write_str(message),
        }
    }
}

impl Error for HttpError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &*self.kind {
            HttpErrorKind::Client(error) => Some(&**error),
            HttpErrorKind::InvalidUrl(error) => Some(error),
            HttpErrorKind::Request(error) => Some(error),
            HttpErrorKind::NotHttps | HttpErrorKind::TooLarge => None,
            #[cfg(any(feature = "introspection", feature = "jwks"))]
            HttpErrorKind::Status(_) | HttpErrorKind::Unusable(_) | HttpErrorKind::Other(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_names_the_url_without_secrets() {
        let url = Url::parse("https://user:pa55@id.example:8443/keys?key=s3cret#frag").unwrap();
        for kind in [
            HttpErrorKind::NotHttps,
            HttpErrorKind::TooLarge,
            #[cfg(any(feature = "introspection", feature = "jwks"))]
            HttpErrorKind::Status(StatusCode::FOUND),
            #[cfg(any(feature = "introspection", feature = "jwks"))]
            HttpErrorKind::Unusable("it is empty".into()),
        ] {
            let error = HttpError::new(&url, kind);
            let text = format!("{error} {error:?}");
            assert!(text.contains("https://id.example:8443/keys"), "{text}");
            for secret in ["user", "pa55", "s3cret", "frag"] {
                assert!(!text.contains(secret), "{text}");
            }
        }
    }
}
