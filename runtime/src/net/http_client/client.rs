use std::{fmt, time::Duration};

use bytes::Bytes;
use http::HeaderMap;
use reqwest::{Certificate, Client, Proxy, Request, redirect::Policy};
use url::Url;

use super::{
    error::HttpError,
    proxy::{ProxySettings, is_never_proxied},
};
use crate::net::loopback::is_loopback;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// The size limit of a response. A set of a hundred RSA keys has some 50 KiB.
const MAX_RESPONSE_BYTES: usize = 512 * 1024;

/// Sends requests to an identity provider: for keys, discovery, introspection and tokens.
///
/// Sends to https URLs only, unless
/// [`allow_http_on_loopback`](HttpClientBuilder::allow_http_on_loopback) permits more. Follows no redirects,
/// uses no proxy unless one is configured, accepts no compression and reads at most 512 KiB of a response. A
/// clone shares the connections.
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
    /// For all hosts but those of the local machine.
    proxied: Option<Client>,
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
    additional_roots: Vec<u8>,
    proxy: Option<ProxySettings>,
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
            additional_roots: Vec::new(),
            proxy: None,
            plain_http: PlainHttp::Forbidden,
        }
    }

    /// Requests `url` and returns the whole response, whatever its status.
    ///
    /// # Errors
    /// When the client sends nothing to `url` (see [`HttpClient`]), or the response doesn't arrive within the
    /// timeout and the size limit.
    pub async fn get(
        &self,
        url: &str,
        headers: HeaderMap,
    ) -> Result<http::Response<Bytes>, HttpError> {
        let url = self.url(url)?;
        let mut request = Request::new(http::Method::GET, url.clone());
        *request.headers_mut() = headers;
        self.run(&url, Ok(request)).await
    }

    /// Posts `body` to `url` and returns the whole response, whatever its status.
    ///
    /// ```no_run
    /// use http::{HeaderMap, header};
    /// use tonic_guard::http_client::HttpClient;
    ///
    /// # async fn ask() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = HttpClient::new()?;
    /// let mut headers = HeaderMap::new();
    /// headers.insert(header::CONTENT_TYPE, "application/json".parse()?);
    /// let response = client.post("https://id.example/lookup", headers, "{}").await?;
    ///
    /// // Rejected: plain http isn't allowed.
    /// let plain = client.post("http://id.example/lookup", HeaderMap::new(), "{}").await;
    /// assert!(plain.is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`get`](HttpClient::get).
    pub async fn post(
        &self,
        url: &str,
        headers: HeaderMap,
        body: impl Into<Bytes>,
    ) -> Result<http::Response<Bytes>, HttpError> {
        let url = self.url(url)?;
        let mut request = Request::new(http::Method::POST, url.clone());
        *request.headers_mut() = headers;
        *request.body_mut() = Some(body.into().into());
        self.run(&url, Ok(request)).await
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
    pub(crate) async fn get_json(
        &self,
        url: &Url,
        authorization: Option<http::HeaderValue>,
    ) -> Result<http::Response<Bytes>, HttpError> {
        let mut request =
            self.client.get(url.clone()).header(http::header::ACCEPT, "application/json");
        if let Some(authorization) = authorization {
            request = request.header(http::header::AUTHORIZATION, authorization);
        }
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
        let client = match &self.proxied {
            Some(proxied) if !url.host_str().is_some_and(is_never_proxied) => proxied,
            _ => &self.client,
        };
        let mut response = client.execute(request.map_err(failed)?).await.map_err(failed)?;
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

    /// Trusts the certificate authorities in `pem` in addition to the system's or those of
    /// [`trust_only`](HttpClientBuilder::trust_only). Each call adds to the earlier ones.
    pub fn trust_also(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.additional_roots.extend_from_slice(pem.as_ref());
        self.additional_roots.push(b'\n');
        self
    }

    /// Sends requests through the forward proxy at this URL, `http://` or `https://`, which may contain a user
    /// and a password. None by default.
    ///
    /// A request to https is tunnelled, so the proxy sees its host and nothing else. Requests to the local machine
    /// (`localhost`, loopback addresses) never go through the proxy. The password isn't shown in errors or
    /// logs; to a proxy over plain http it is sent in plaintext.
    pub fn proxy(self, url: impl Into<String>) -> Self {
        HttpClientBuilder { proxy: Some(ProxySettings::new(url.into())), ..self }
    }

    /// Sends requests to https URLs through the proxy that the environment variable `HTTPS_PROXY` names,
    /// except to the hosts in `NO_PROXY`. The names in small letters precede. Without the variable no proxy is used.
    ///
    /// The variables are read now. Otherwise as for [`proxy`](HttpClientBuilder::proxy).
    pub fn proxy_from_env(self) -> Self {
        let proxy = ProxySettings::from_variables(|name| std::env::var(name).ok());
        HttpClientBuilder { proxy, ..self }
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
    /// When the roots of [`trust_only`](HttpClientBuilder::trust_only) or
    /// [`trust_also`](HttpClientBuilder::trust_also) aren't certificates in PEM, the URL of the proxy is invalid,
    /// or the system's root certificates can't be read.
    pub fn build(self) -> Result<HttpClient, HttpError> {
        let proxied = self.proxy.as_ref().map(|proxy| self.client(Some(proxy.build()?)));
        Ok(HttpClient {
            client: self.client(None)?,
            proxied: proxied.transpose()?,
            plain_http: self.plain_http,
            timeout: self.timeout,
        })
    }

    fn client(&self, proxy: Option<Proxy>) -> Result<Client, HttpError> {
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
        if let Some(pem) = &self.roots {
            client = client.tls_certs_only(certificates("trust_only", pem)?);
        }
        if !self.additional_roots.is_empty() {
            client = client.tls_certs_merge(certificates("trust_also", &self.additional_roots)?);
        }
        if let Some(proxy) = proxy {
            client = client.proxy(proxy);
        }
        client.build().map_err(HttpError::client)
    }
}

/// The certificates in `pem`, at least one. `setting` gave them.
fn certificates(setting: &str, pem: &[u8]) -> Result<Vec<Certificate>, HttpError> {
    let certificates = Certificate::from_pem_bundle(pem).map_err(HttpError::client)?;
    if certificates.is_empty() {
        return Err(HttpError::client(format!("the PEM of `{setting}` contains no certificate")));
    }
    Ok(certificates)
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
            .field("proxy", &self.proxy)
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
