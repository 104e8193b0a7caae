//! How verifiers and token sources reach an identity provider.
//!
//! One client for all of them: https unless plain http is allowed by name, no redirects, a limit on
//! time and one on size.

use std::{borrow::Cow, error::Error, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use reqwest::{Certificate, Client, Request, Response, redirect::Policy};
use url::{Host, Url};

/// How long one request may take, from its first byte to the last of its answer.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// How large an answer may be. A set of a hundred RSA keys has some 50 KiB.
const MAX_ANSWER: usize = 512 * 1024;

/// Reaches an identity provider: for keys, for discovery, for introspection, for tokens.
///
/// It speaks https alone, unless [`allow_http_on_loopback`](HttpClientBuilder::allow_http_on_loopback)
/// says otherwise, follows no redirect, asks for no compression and reads no more than 512 KiB. A clone
/// shares the connections.
///
/// ```
/// use tonic_guard::http_client::HttpClient;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = HttpClient::builder().timeout(std::time::Duration::from_secs(2)).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HttpClient {
    client: Client,
    plain: Plain,
    timeout: Duration,
}

/// Where plain http may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plain {
    Nowhere,
    Loopback,
    Anywhere,
}

/// Settings of an [`HttpClient`].
#[derive(Clone)]
#[must_use]
pub struct HttpClientBuilder {
    timeout: Duration,
    roots: Option<Vec<u8>>,
    plain: Plain,
}

/// Why an identity provider gave no usable answer, or can't be asked.
///
/// It names the URL without its query and never holds a credential.
#[derive(Clone, Debug)]
pub struct HttpError {
    url: String,
    // Shared by all who wait for one answer.
    kind: Arc<Kind>,
}

#[derive(Debug)]
enum Kind {
    NoClient(Box<dyn Error + Send + Sync>),
    NoUrl(url::ParseError),
    Mistake(Cow<'static, str>),
    NotHttps,
    Failed(reqwest::Error),
    TooLarge,
    Status(StatusCode),
    Unusable(Cow<'static, str>),
}

/// Whether this is a JSON object, if it is JSON. serde reads a struct from an array as well.
pub(crate) fn is_json_object(text: &[u8]) -> bool {
    text.trim_ascii_start().first() == Some(&b'{')
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl HttpClient {
    /// The client with its defaults: https, the system's roots, five seconds for an answer.
    ///
    /// # Errors
    /// When the system's root certificates can't be read.
    pub fn new() -> Result<HttpClient, HttpError> {
        HttpClient::builder().build()
    }

    /// Settings to begin with.
    pub fn builder() -> HttpClientBuilder {
        HttpClientBuilder { timeout: DEFAULT_TIMEOUT, roots: None, plain: Plain::Nowhere }
    }

    /// Reads a URL that is set by hand and refuses one that this client must not ask, so that a
    /// mistake is told at start.
    pub(crate) fn url(&self, text: &str) -> Result<Url, HttpError> {
        let url = Url::parse(text).map_err(|error| HttpError {
            url: shown_text(text),
            kind: Arc::new(Kind::NoUrl(error)),
        })?;
        self.check(&url)?;
        Ok(url)
    }

    /// How long one request may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// A little longer than a request may take, so that the cause of a slow one is told.
    pub(crate) fn deadline(&self) -> Duration {
        self.timeout.saturating_add(Duration::from_secs(1))
    }

    /// Refuses a URL that this client must not ask.
    pub(crate) fn check(&self, url: &Url) -> Result<(), HttpError> {
        let allowed = match url.scheme() {
            "https" => true,
            "http" => match self.plain {
                Plain::Nowhere => false,
                Plain::Loopback => is_loopback(url),
                Plain::Anywhere => true,
            },
            _ => false,
        };
        if allowed { Ok(()) } else { Err(HttpError::new(url, Kind::NotHttps)) }
    }

    /// Asks for `url`, which answers in JSON.
    pub(crate) async fn get_json(&self, url: &Url) -> Result<Answer, HttpError> {
        let request = self.client.get(url.clone()).header(http::header::ACCEPT, "application/json");
        self.run(url, request.build()).await
    }

    /// Sends `request` as it is.
    pub(crate) async fn send(&self, request: http::Request<Vec<u8>>) -> Result<Answer, HttpError> {
        let url = self.url(&request.uri().to_string())?;
        self.run(&url, Request::try_from(request)).await
    }

    async fn run(
        &self,
        url: &Url,
        request: Result<Request, reqwest::Error>,
    ) -> Result<Answer, HttpError> {
        self.check(url)?;
        let failed = |error: reqwest::Error| HttpError::new(url, Kind::Failed(error.without_url()));
        let mut response: Response =
            self.client.execute(request.map_err(failed)?).await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(HttpError::new(url, Kind::TooLarge));
            }
            body.extend_from_slice(&chunk);
        }
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        Ok(Answer { status, headers, body: body.into() })
    }
}

impl HttpClientBuilder {
    /// How long one request may take, its answer's last byte included. Five seconds by default.
    pub fn timeout(self, timeout: Duration) -> Self {
        HttpClientBuilder { timeout, ..self }
    }

    /// Trusts the certificate authorities in `pem` and no others, for a provider with a private one.
    pub fn trust_only(self, pem: impl Into<Vec<u8>>) -> Self {
        HttpClientBuilder { roots: Some(pem.into()), ..self }
    }

    /// Allows plain http to `localhost`, `127.0.0.0/8` and `[::1]`: for tests, and for a provider
    /// beside the service on the same machine.
    pub fn allow_http_on_loopback(self) -> Self {
        HttpClientBuilder { plain: Plain::Loopback, ..self }
    }

    /// Allows plain http to anywhere. Whoever stands between can then forge keys and read tokens.
    pub fn dangerously_allow_http(self) -> Self {
        HttpClientBuilder { plain: Plain::Anywhere, ..self }
    }

    /// Makes the client.
    ///
    /// # Errors
    /// When the roots of [`trust_only`](HttpClientBuilder::trust_only) aren't certificates in PEM, or
    /// the system's can't be read.
    pub fn build(self) -> Result<HttpClient, HttpError> {
        // What other crates of the build turn on in reqwest must not change what this client does.
        let mut client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .https_only(self.plain == Plain::Nowhere)
            .referer(false)
            .connect_timeout(self.timeout)
            .timeout(self.timeout);
        if let Some(pem) = self.roots {
            let roots = Certificate::from_pem_bundle(&pem).map_err(HttpError::no_client)?;
            if roots.is_empty() {
                return Err(HttpError::no_client("no certificate in the PEM of `trust_only`"));
            }
            client = client.tls_certs_only(roots);
        }
        let client = client.build().map_err(HttpError::no_client)?;
        Ok(HttpClient { client, plain: self.plain, timeout: self.timeout })
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl HttpError {
    fn new(url: &Url, kind: Kind) -> Self {
        HttpError { url: shown(url), kind: Arc::new(kind) }
    }

    fn no_client(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        HttpError { url: String::new(), kind: Arc::new(Kind::NoClient(error.into())) }
    }

    /// Nobody was asked, because of this.
    pub(crate) fn mistake(what: impl Into<Cow<'static, str>>) -> Self {
        HttpError { url: String::new(), kind: Arc::new(Kind::Mistake(what.into())) }
    }

    /// An answer with a status that isn't 200.
    pub(crate) fn status(url: &Url, status: StatusCode) -> Self {
        HttpError::new(url, Kind::Status(status))
    }

    /// An answer of which nothing can be made. `why` is logged: it must hold no credential.
    pub(crate) fn unusable(url: &Url, why: impl Into<Cow<'static, str>>) -> Self {
        HttpError::new(url, Kind::Unusable(why.into()))
    }
}

/// A text that is no URL, as a log may have it: what stands for a user, a password, a query or a fragment
/// is left out, and so is all beyond two hundred characters.
pub(crate) fn shown_text(text: &str) -> String {
    let (text, behind) = text.split_at(text.find(['?', '#']).unwrap_or(text.len()));
    if behind.contains('@') {
        // Of a password that isn't escaped, or of a query: nothing tells which.
        return "a text with `@` behind `?` or `#`".into();
    }
    let text = text.rsplit_once('@').map_or(text, |(_, host)| host);
    text.chars().take(200).collect()
}

/// A URL as a log may have it: without user, password, query and fragment.
pub(crate) fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.kind {
            Kind::NoClient(_) => f.write_str("the HTTP client can't be made"),
            Kind::NoUrl(_) => write!(f, "{} is no URL", self.url),
            Kind::Mistake(what) => f.write_str(what),
            Kind::NotHttps => write!(f, "{} isn't https", self.url),
            Kind::Failed(_) => write!(f, "{} gave no answer", self.url),
            Kind::TooLarge => write!(f, "{} answered with more than 512 KiB", self.url),
            Kind::Status(status) => write!(f, "{} answered {status}", self.url),
            Kind::Unusable(why) => write!(f, "{} gave an answer without use: {why}", self.url),
        }
    }
}

impl Error for HttpError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &*self.kind {
            Kind::NoClient(error) => Some(&**error),
            Kind::NoUrl(error) => Some(error),
            Kind::Failed(error) => Some(error),
            Kind::Mistake(_)
            | Kind::NotHttps
            | Kind::TooLarge
            | Kind::Status(_)
            | Kind::Unusable(_) => None,
        }
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("plain", &self.plain).finish_non_exhaustive()
    }
}

impl fmt::Debug for HttpClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClientBuilder")
            .field("timeout", &self.timeout)
            .field("plain", &self.plain)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(client: &HttpClient, url: &str) -> Option<String> {
        client.url(url).err().map(|error| error.to_string())
    }

    #[test]
    fn what_is_no_url_is_told_without_its_secrets() {
        let client = HttpClient::new().unwrap();
        let told = refused(&client, "https://user:pa55@id.example:99999/keys?key=s3cret#f");
        assert_eq!(told.as_deref(), Some("id.example:99999/keys is no URL"));
        for end in ["#tail", "?tail"] {
            let told = refused(&client, &format!("https://user:Pa55{end}@id.example/keys"));
            assert_eq!(told.as_deref(), Some("a text with `@` behind `?` or `#` is no URL"));
        }
        assert!(refused(&client, &"x".repeat(9999)).is_some_and(|told| told.len() < 300));
    }

    #[test]
    fn only_https_may_be_asked_unless_plain_http_is_allowed_by_name() {
        let https = HttpClient::new().unwrap();
        let loopback = HttpClient::builder().allow_http_on_loopback().build().unwrap();
        let anywhere = HttpClient::builder().dangerously_allow_http().build().unwrap();
        for (url, allowed) in [
            ("https://id.example/keys", [true, true, true]),
            ("HTTPS://id.example/keys", [true, true, true]),
            ("http://id.example/keys", [false, false, true]),
            ("http://localhost/", [false, true, true]),
            ("http://127.0.0.1:8080/", [false, true, true]),
            ("http://127.255.0.1/", [false, true, true]),
            ("http://[::1]/", [false, true, true]),
            ("http://0.0.0.0/", [false, false, true]),
            ("http://128.0.0.1/", [false, false, true]),
            ("http://[::2]/", [false, false, true]),
            ("http://[::ffff:127.0.0.1]/", [false, false, true]),
            ("http://localhost.evil.example/", [false, false, true]),
            ("http://127.0.0.1.evil.example/", [false, false, true]),
            ("http://localhost@evil.example/", [false, false, true]),
            ("ftp://localhost/", [false, false, false]),
            ("file:///etc/passwd", [false, false, false]),
            ("data:application/json,{}", [false, false, false]),
        ] {
            let told = [&https, &loopback, &anywhere].map(|client| refused(client, url));
            assert_eq!(told.each_ref().map(Option::is_none), allowed, "{url}: {told:?}");
            assert!(told.iter().flatten().all(|told| told.ends_with("isn't https")), "{told:?}");
        }
        assert_eq!(refused(&anywhere, "/keys").unwrap(), "/keys is no URL");
    }

    #[test]
    fn an_error_names_the_url_without_what_may_be_secret() {
        let url = Url::parse("https://user:pa55@id.example:8443/keys?key=s3cret#frag").unwrap();
        for kind in [
            Kind::NotHttps,
            Kind::TooLarge,
            Kind::Status(StatusCode::FOUND),
            Kind::Unusable("it is empty".into()),
        ] {
            let error = HttpError::new(&url, kind);
            let text = format!("{error} {error:?}");
            assert!(text.contains("https://id.example:8443/keys"), "{text}");
            for secret in ["user", "pa55", "s3cret", "frag"] {
                assert!(!text.contains(secret), "{text}");
            }
        }
    }

    #[test]
    fn an_object_begins_like_one() {
        for (text, object) in
            [("{}", true), (" \r\n\t{", true), ("[{}]", false), ("", false), ("\"{\"", false)]
        {
            assert_eq!(is_json_object(text.as_bytes()), object, "{text:?}");
        }
    }
}
