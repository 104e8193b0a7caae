//! Tokens from an OAuth 2.0 token endpoint (RFC 6749).
//!
//! The crate `oauth2` creates the requests and parses the responses. The [`HttpClient`] of this crate sends them: only
//! over https, without redirects, with limits on time and size.

use std::{
    error::Error,
    fmt,
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use http::StatusCode;
use oauth2::{
    AsyncHttpClient, AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, RequestTokenError, Scope, TokenResponse, TokenUrl,
    basic::{BasicClient, BasicErrorResponse, BasicTokenResponse, BasicTokenType},
};

use super::token::{Token, TokenSource, TokenSourceError};
use crate::net::http_client::{HttpClient, HttpError, redact_url};

type Client =
    BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// Gets tokens for the program itself, by its client id and secret (RFC 6749, section 4.4).
///
/// ```
/// use tonic_guard::client::{CallCredentials, oauth::ClientCredentials};
/// use tonic_guard::http_client::HttpClient;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let http = HttpClient::new()?;
/// let url = "https://issuer.example/token";
/// let source = ClientCredentials::new(http.clone(), url, "orders", "s3cret")?
///     .scope("orders:read")
///     .resource("https://orders.example");
/// let credentials = CallCredentials::bearer(source);
///
/// // Fails: the secret would be sent in plaintext.
/// let plain = "http://issuer.example/token";
/// assert!(ClientCredentials::new(http, plain, "orders", "s3cret").is_err());
/// # Ok(())
/// # }
/// ```
pub struct ClientCredentials {
    endpoint: TokenEndpoint,
    scopes: Vec<Scope>,
}

impl ClientCredentials {
    /// Creates a source that uses the token endpoint at `url`.
    ///
    /// # Errors
    /// When `url` is invalid, or isn't https and `http` doesn't allow plain http to it.
    pub fn new(
        http: HttpClient,
        url: &str,
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
    ) -> Result<Self, InvalidTokenUrl> {
        let mut endpoint = TokenEndpoint::new(http, url, client_id.into())?;
        endpoint.client =
            endpoint.client.set_client_secret(ClientSecret::new(client_secret.into()));
        Ok(ClientCredentials { endpoint, scopes: Vec::new() })
    }

    /// Adds a scope to the request.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(Scope::new(scope.into()));
        self
    }

    /// Sets the service that the token is for: `resource` (RFC 8707). Providers that support it return a
    /// token with this audience.
    #[must_use]
    pub fn resource(self, resource: impl Into<String>) -> Self {
        self.parameter("resource", resource)
    }

    /// Adds a provider-specific parameter to the request, such as `audience`.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.endpoint.parameters.push((name.into(), value.into()));
        self
    }

    /// Sends id and secret in the body of the request instead of `authorization`, for providers that
    /// accept nothing else (RFC 6749, section 2.3.1).
    #[must_use]
    pub fn secret_in_body(mut self) -> Self {
        self.endpoint.client = self.endpoint.client.set_auth_type(AuthType::RequestBody);
        self
    }
}

impl TokenSource for ClientCredentials {
    async fn token(&self) -> Result<Token, TokenSourceError> {
        let mut request = self.endpoint.client.exchange_client_credentials();
        request = request.add_scopes(self.scopes.iter().cloned());
        for (name, value) in &self.endpoint.parameters {
            request = request.add_extra_param(name, value);
        }
        let response = request.request_async(&self.endpoint).await;
        token(&response.map_err(source_error)?)
    }

    fn deadline(&self) -> Duration {
        self.endpoint.http.deadline()
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials")
            .field("url", &redact_url(self.endpoint.client.token_uri().url()))
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// Gets tokens on behalf of a user who has consented, by a refresh token (RFC 6749, section 6).
///
/// If the provider returns another refresh token, the source uses it from then on.
///
/// ```
/// use tonic_guard::client::{CallCredentials, oauth::RefreshToken};
/// use tonic_guard::http_client::HttpClient;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let url = "https://issuer.example/token";
/// let source = RefreshToken::new(HttpClient::new()?, url, "orders-cli", "r-1")?
///     .on_rotation(|next| save(next));
/// let credentials = CallCredentials::bearer(source);
/// # Ok(())
/// # }
/// # fn save(_: &str) {}
/// ```
pub struct RefreshToken {
    endpoint: TokenEndpoint,
    current: RwLock<oauth2::RefreshToken>,
    on_rotation: Option<OnRotation>,
}

type OnRotation = Arc<dyn Fn(&str) + Send + Sync>;

impl RefreshToken {
    /// Creates a source that uses the token endpoint at `url`.
    ///
    /// # Errors
    /// When `url` is invalid, or isn't https and `http` doesn't allow plain http to it.
    pub fn new(
        http: HttpClient,
        url: &str,
        client_id: impl Into<String>,
        refresh_token: impl Into<String>,
    ) -> Result<Self, InvalidTokenUrl> {
        Ok(RefreshToken {
            endpoint: TokenEndpoint::new(http, url, client_id.into())?,
            current: RwLock::new(oauth2::RefreshToken::new(refresh_token.into())),
            on_rotation: None,
        })
    }

    /// Sets the client secret, for a client that has one.
    #[must_use]
    pub fn client_secret(mut self, client_secret: impl Into<String>) -> Self {
        let secret = ClientSecret::new(client_secret.into());
        self.endpoint.client = self.endpoint.client.set_client_secret(secret);
        self
    }

    /// Calls `save` with each refresh token that replaces the previous one. A provider that rotates refresh
    /// tokens has revoked the previous one by then, so a program that loses the new one needs the user's
    /// consent again.
    #[must_use]
    pub fn on_rotation(self, save: impl Fn(&str) + Send + Sync + 'static) -> Self {
        RefreshToken { on_rotation: Some(Arc::new(save)), ..self }
    }
}

impl TokenSource for RefreshToken {
    async fn token(&self) -> Result<Token, TokenSourceError> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        let request = self.endpoint.client.exchange_refresh_token(&current);
        let response = request.request_async(&self.endpoint).await.map_err(source_error)?;
        if let Some(next) =
            response.refresh_token().filter(|next| next.secret() != current.secret())
        {
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = next.clone();
            if let Some(save) = &self.on_rotation {
                save(next.secret());
            }
        }
        token(&response)
    }

    /// Longer than the request, because a response that arrives too late would lose the next refresh token.
    fn deadline(&self) -> Duration {
        self.endpoint.http.deadline()
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshToken")
            .field("url", &redact_url(self.endpoint.client.token_uri().url()))
            .finish_non_exhaustive()
    }
}

/// A token endpoint, and how this client reaches it.
struct TokenEndpoint {
    http: HttpClient,
    client: Client,
    parameters: Vec<(String, String)>,
}

impl TokenEndpoint {
    fn new(http: HttpClient, url: &str, client_id: String) -> Result<Self, InvalidTokenUrl> {
        let url = TokenUrl::new(url.into()).map_err(|_| InvalidTokenUrl(None))?;
        http.check(url.url()).map_err(|error| InvalidTokenUrl(Some(error)))?;
        let client = BasicClient::new(ClientId::new(client_id)).set_token_uri(url);
        Ok(TokenEndpoint { http, client, parameters: Vec::new() })
    }
}

impl<'c> AsyncHttpClient<'c> for TokenEndpoint {
    type Error = EndpointError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, EndpointError>> + Send + 'c>>;

    fn call(&'c self, mut request: HttpRequest) -> Self::Future {
        if let Some(secret) = request.headers_mut().get_mut(http::header::AUTHORIZATION) {
            secret.set_sensitive(true);
        }
        Box::pin(async move {
            let response = self.http.send(request).await.map_err(EndpointError::Http)?;
            let status = response.status();
            if status.is_redirection() {
                return Err(EndpointError::Redirect(status));
            }
            if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
                return Err(EndpointError::Status(status));
            }
            Ok(response.map(|body| body.to_vec()))
        })
    }
}

/// Why there is no OAuth response, neither a token nor an error.
#[derive(Debug)]
enum EndpointError {
    Http(HttpError),
    Status(StatusCode),
    Redirect(StatusCode),
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EndpointError::Http(error) => error.fmt(f),
            EndpointError::Status(status) => {
                write!(f, "the token endpoint responded with {status}")
            }
            EndpointError::Redirect(status) => {
                write!(f, "the token endpoint responded with {status}, which isn't followed")
            }
        }
    }
}

impl Error for EndpointError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            EndpointError::Http(error) => error.source(),
            EndpointError::Status(_) | EndpointError::Redirect(_) => None,
        }
    }
}

/// The token in the response of the endpoint.
fn token(response: &BasicTokenResponse) -> Result<Token, TokenSourceError> {
    if *response.token_type() != BasicTokenType::Bearer {
        return Err(TokenSourceError::unusable(
            "the token endpoint returned a token that isn't a bearer token",
        ));
    }
    let token = Token::new(response.access_token().secret().as_str());
    Ok(match response.expires_in() {
        Some(lifetime) => token.expires_in(lifetime),
        None => token,
    })
}

/// Converts an error of the crate `oauth2`, which may contain the whole response with its tokens. Only the
/// error code of the response is kept.
fn source_error(error: RequestTokenError<EndpointError, BasicErrorResponse>) -> TokenSourceError {
    match error {
        RequestTokenError::Request(EndpointError::Redirect(status)) => {
            TokenSourceError::unusable(EndpointError::Redirect(status))
        }
        RequestTokenError::Request(error) => TokenSourceError::unreachable(error),
        RequestTokenError::ServerResponse(response) => {
            let code = error_code(&response);
            TokenSourceError::unusable(format!("the token endpoint rejected the request: {code}"))
        }
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            TokenSourceError::unusable("the response of the token endpoint isn't an OAuth response")
        }
    }
}

/// The error code, if it has the form of RFC 6749, section 5.2: a short word.
fn error_code(response: &BasicErrorResponse) -> String {
    let code = response.error().to_string();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if code.len() <= 64 && code.bytes().all(is_word) { code } else { "an unknown error".into() }
}

/// The error of a token endpoint whose URL is invalid or not allowed.
#[derive(Debug)]
pub struct InvalidTokenUrl(Option<HttpError>);

impl fmt::Display for InvalidTokenUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Some(_) => "the URL of the token endpoint isn't allowed",
            None => "the URL of the token endpoint is invalid",
        })
    }
}

impl Error for InvalidTokenUrl {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.as_ref().map(|error| error as &(dyn Error + 'static))
    }
}
