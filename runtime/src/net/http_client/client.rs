use std::{fmt, time::Duration};

use bytes::Bytes;
use reqwest::{Certificate, Client, Request, redirect::Policy};
use url::Url;

use super::error::HttpError;
use crate::net::loopback::is_loopback;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// The size limit of a response. A set of a hundred RSA keys has some 50 KiB.
const MAX_RESPONSE_BYTES: usize = 512 * 1024;

/// Sends requests to an identity provider: for keys, discovery, introspection and tokens.
///
/// Sends to https URLs only, unless
/// [`allow_http_on_loopback`](HttpClientBuilder::allow_http_on_loopback) permits more. Follows no redirects,
/// uses no proxy, accepts no compression and reads at most 512 KiB of a response. A clone shares the
/// connections.
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
    plain_http: PlainHttp,
    timeout: Duration,
}

/// Which hosts may be reached over plain http.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PlainHttp {
    Forbidden,
    Loopback,
    Anywhere,
}

/// Settings of an [`HttpClient`].
#[derive(Clone)]
#[must_use]
pub struct HttpClientBuilder {
    timeout: Duration,
    roots: Option<Vec<u8>>,
    plain_http: PlainHttp,
}

impl HttpClient {
    /// Creates a client with the defaults: https, the system's root certificates, a timeout of five seconds.
    ///
    /// # Errors
    /// When the system's root certificates can't be read.
    pub fn new() -> Result<HttpClient, HttpError> {
        HttpClient::builder().build()
    }

    /// Creates a builder with the default settings.
    pub fn builder() -> HttpClientBuilder {
        HttpClientBuilder {
            timeout: DEFAULT_TIMEOUT,
            roots: None,
            plain_http: PlainHttp::Forbidden,
        }
    }

    /// Parses a configured URL, and [checks](HttpClient::check) it.
    pub(crate) fn url(&self, text: &str) -> Result<Url, HttpError> {
        let url = Url::parse(text).map_err(|error| HttpError::invalid_url(text, error))?;
        self.check(&url)?;
        Ok(url)
    }

    /// The time limit of one request.
    #[cfg(feature = "jwks")]
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// A deadline for those who wait for a request. It is a second longer than the timeout, so that the
    /// cause of a timeout is reported.
    #[cfg(any(feature = "client-oauth", feature = "introspection"))]
    pub(crate) fn deadline(&self) -> Duration {
        self.timeout.saturating_add(Duration::from_secs(1))
    }

    /// Rejects a URL that this client may not send requests to.
    pub(crate) fn check(&self, url: &Url) -> Result<(), HttpError> {
        let allowed = match url.scheme() {
            "https" => true,
            "http" => match self.plain_http {
                PlainHttp::Forbidden => false,
                PlainHttp::Loopback => url.host_str().is_some_and(is_loopback),
                PlainHttp::Anywhere => true,
            },
            _ => false,
        };
        if allowed { Ok(()) } else { Err(HttpError::not_https(url)) }
    }

    /// Requests `url`, and accepts JSON.
    #[cfg(feature = "jwks")]
    pub(crate) async fn get_json(&self, url: &Url) -> Result<http::Response<Bytes>, HttpError> {
        let request = self.client.get(url.clone()).header(http::header::ACCEPT, "application/json");
        self.run(url, request.build()).await
    }

    /// Sends `request` unchanged.
    #[cfg(any(feature = "client-oauth", feature = "introspection"))]
    pub(crate) async fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<http::Response<Bytes>, HttpError> {
        let url = self.url(&request.uri().to_string())?;
        self.run(&url, Request::try_from(request)).await
    }

    async fn run(
        &self,
        url: &Url,
        request: Result<Request, reqwest::Error>,
    ) -> Result<http::Response<Bytes>, HttpError> {
        self.check(url)?;
        let failed = |error| HttpError::request(url, error);
        let mut response = self.client.execute(request.map_err(failed)?).await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
                return Err(HttpError::too_large(url));
            }
            body.extend_from_slice(&chunk);
        }
        let mut whole = http::Response::new(Bytes::from(body));
        *whole.status_mut() = response.status();
        *whole.headers_mut() = std::mem::take(response.headers_mut());
        Ok(whole)
    }
}

impl HttpClientBuilder {
    /// Sets the time limit of one request, including the last byte of its response. Five seconds by default.
    pub fn timeout(self, timeout: Duration) -> Self {
        HttpClientBuilder { timeout, ..self }
    }

    /// Trusts only the certificate authorities in `pem`, for a provider with a private one.
    pub fn trust_only(self, pem: impl Into<Vec<u8>>) -> Self {
        HttpClientBuilder { roots: Some(pem.into()), ..self }
    }

    /// Allows plain http to `localhost`, `127.0.0.0/8` and `[::1]`: for tests, and for a provider on
    /// the same machine.
    pub fn allow_http_on_loopback(self) -> Self {
        HttpClientBuilder { plain_http: PlainHttp::Loopback, ..self }
    }

    /// Allows plain http to any host. An attacker on the network can then forge keys and read tokens.
    pub fn dangerously_allow_http(self) -> Self {
        HttpClientBuilder { plain_http: PlainHttp::Anywhere, ..self }
    }

    /// Builds the client.
    ///
    /// # Errors
    /// When the roots of [`trust_only`](HttpClientBuilder::trust_only) aren't certificates in PEM, or
    /// the system's root certificates can't be read.
    pub fn build(self) -> Result<HttpClient, HttpError> {
        // Explicit, because another crate of the same build may enable more features of reqwest.
        let mut client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .https_only(self.plain_http == PlainHttp::Forbidden)
            .referer(false)
            .connect_timeout(self.timeout)
            .timeout(self.timeout);
        if let Some(pem) = self.roots {
            let roots = Certificate::from_pem_bundle(&pem).map_err(HttpError::client)?;
            if roots.is_empty() {
                return Err(HttpError::client("the PEM of `trust_only` contains no certificate"));
            }
            client = client.tls_certs_only(roots);
        }
        let client = client.build().map_err(HttpError::client)?;
        Ok(HttpClient { client, plain_http: self.plain_http, timeout: self.timeout })
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("plain_http", &self.plain_http).finish_non_exhaustive()
    }
}

impl fmt::Debug for HttpClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClientBuilder")
            .field("timeout", &self.timeout)
            .field("plain_http", &self.plain_http)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(client: &HttpClient, url: &str) -> Option<String> {
        client.url(url).err().map(|error| error.to_string())
    }

    #[test]
    fn invalid_url_is_reported_without_secrets() {
        let client = HttpClient::new().unwrap();
        let message = rejected(&client, "https://user:pa55@id.example:99999/keys?key=s3cret#f");
        assert_eq!(message.as_deref(), Some("id.example:99999/keys isn't a URL"));
        for end in ["#tail", "?tail"] {
            let message = rejected(&client, &format!("https://user:Pa55{end}@id.example/keys"));
            assert_eq!(message.as_deref(), Some("a text with `@` after `?` or `#` isn't a URL"));
        }
        assert!(rejected(&client, &"x".repeat(9999)).is_some_and(|message| message.len() < 300));
    }

    #[test]
    fn plain_http_must_be_allowed_by_name() {
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
            let messages = [&https, &loopback, &anywhere].map(|client| rejected(client, url));
            assert_eq!(messages.each_ref().map(Option::is_none), allowed, "{url}: {messages:?}");
            let mut texts = messages.iter().flatten();
            assert!(texts.all(|text| text.ends_with("isn't https")), "{messages:?}");
        }
        assert_eq!(rejected(&anywhere, "/keys").unwrap(), "/keys isn't a URL");
    }
}
