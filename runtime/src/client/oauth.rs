//! Tokens from an OAuth 2.0 token endpoint (RFC 6749).
//!
//! The requests and answers are those of the crate `oauth2`; they go over this crate's
//! [`HttpClient`]: https alone, no redirects, a limit on time and size.

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
use crate::net::http_client::{HttpClient, HttpError, shown};

type Client =
    BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// Tokens for the program itself, by its own id and secret (RFC 6749, section 4.4).
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
/// // Refused: the secret would be there for everyone to read.
/// let plain = "http://issuer.example/token";
/// assert!(ClientCredentials::new(http, plain, "orders", "s3cret").is_err());
/// # Ok(())
/// # }
/// ```
pub struct ClientCredentials {
    endpoint: Endpoint,
    scopes: Vec<Scope>,
}

impl ClientCredentials {
    /// A source that asks the token endpoint at `url`.
    ///
    /// # Errors
    /// When `url` isn't one that `http` may ask: it is https alone, unless the client was made to
    /// allow more.
    pub fn new(
        http: HttpClient,
        url: &str,
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
    ) -> Result<Self, InvalidTokenUrl> {
        let mut endpoint = Endpoint::new(http, url, client_id.into())?;
        endpoint.client =
            endpoint.client.set_client_secret(ClientSecret::new(client_secret.into()));
        Ok(ClientCredentials { endpoint, scopes: Vec::new() })
    }

    /// Asks for a scope, besides those asked for before.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(Scope::new(scope.into()));
        self
    }

    /// Says for which service the token is to be: `resource` (RFC 8707). Providers that follow it
    /// answer with a token whose audience that is.
    #[must_use]
    pub fn resource(self, resource: impl Into<String>) -> Self {
        self.parameter("resource", resource)
    }

    /// Adds a parameter of the provider's own to the request, such as `audience`.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.endpoint.parameters.push((name.into(), value.into()));
        self
    }

    /// Sends id and secret in the request's body instead of `authorization`, for providers that take
    /// them nowhere else (RFC 6749, section 2.3.1).
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
        let answer = request.request_async(&self.endpoint).await;
        token(&answer.map_err(refused)?)
    }

    fn deadline(&self) -> Duration {
        self.endpoint.http.deadline()
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials")
            .field("url", &shown(self.endpoint.client.token_uri().url()))
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// Tokens on behalf of somebody who agreed to it once, by a refresh token (RFC 6749, section 6).
///
/// Where the provider answers with another refresh token, that one is used from then on.
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
    endpoint: Endpoint,
    current: RwLock<oauth2::RefreshToken>,
    rotated: Option<Rotated>,
}

type Rotated = Arc<dyn Fn(&str) + Send + Sync>;

impl RefreshToken {
    /// A source that asks the token endpoint at `url`.
    ///
    /// # Errors
    /// When `url` isn't one that `http` may ask: it is https alone, unless the client was made to
    /// allow more.
    pub fn new(
        http: HttpClient,
        url: &str,
        client_id: impl Into<String>,
        refresh_token: impl Into<String>,
    ) -> Result<Self, InvalidTokenUrl> {
        Ok(RefreshToken {
            endpoint: Endpoint::new(http, url, client_id.into())?,
            current: RwLock::new(oauth2::RefreshToken::new(refresh_token.into())),
            rotated: None,
        })
    }

    /// The client's secret, for a client that has one.
    #[must_use]
    pub fn client_secret(mut self, client_secret: impl Into<String>) -> Self {
        let secret = ClientSecret::new(client_secret.into());
        self.endpoint.client = self.endpoint.client.set_client_secret(secret);
        self
    }

    /// Calls `keep` with each refresh token that takes the place of the one before. Where a provider
    /// rotates them the one before is dead by then: a program that forgets the new one has to ask its
    /// user again after a restart.
    #[must_use]
    pub fn on_rotation(self, keep: impl Fn(&str) + Send + Sync + 'static) -> Self {
        RefreshToken { rotated: Some(Arc::new(keep)), ..self }
    }
}

impl TokenSource for RefreshToken {
    async fn token(&self) -> Result<Token, TokenSourceError> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        let request = self.endpoint.client.exchange_refresh_token(&current);
        let answer = request.request_async(&self.endpoint).await.map_err(refused)?;
        if let Some(next) = answer.refresh_token().filter(|next| next.secret() != current.secret())
        {
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = next.clone();
            if let Some(keep) = &self.rotated {
                keep(next.secret());
            }
        }
        token(&answer)
    }

    /// An answer that nobody waits for is lost, and the next refresh token with it.
    fn deadline(&self) -> Duration {
        self.endpoint.http.deadline()
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshToken")
            .field("url", &shown(self.endpoint.client.token_uri().url()))
            .finish_non_exhaustive()
    }
}

/// A token endpoint, and who asks it.
struct Endpoint {
    http: HttpClient,
    client: Client,
    parameters: Vec<(String, String)>,
}

impl Endpoint {
    fn new(http: HttpClient, url: &str, client_id: String) -> Result<Self, InvalidTokenUrl> {
        let url = TokenUrl::new(url.into()).map_err(|_| InvalidTokenUrl(None))?;
        http.check(url.url()).map_err(|error| InvalidTokenUrl(Some(error)))?;
        let client = BasicClient::new(ClientId::new(client_id)).set_token_uri(url);
        Ok(Endpoint { http, client, parameters: Vec::new() })
    }
}

impl<'c> AsyncHttpClient<'c> for Endpoint {
    type Error = Unanswered;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Unanswered>> + Send + 'c>>;

    fn call(&'c self, mut request: HttpRequest) -> Self::Future {
        if let Some(secret) = request.headers_mut().get_mut(http::header::AUTHORIZATION) {
            secret.set_sensitive(true);
        }
        Box::pin(async move {
            let answer = self.http.send(request).await.map_err(Unanswered::Http)?;
            if answer.status.is_redirection() {
                return Err(Unanswered::Redirect(answer.status));
            }
            if answer.status.is_server_error() || answer.status == StatusCode::TOO_MANY_REQUESTS {
                return Err(Unanswered::Status(answer.status));
            }
            let mut response = HttpResponse::new(answer.body.to_vec());
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            Ok(response)
        })
    }
}

/// Why the token endpoint gave no answer that says anything of the request.
#[derive(Debug)]
enum Unanswered {
    Http(HttpError),
    Status(StatusCode),
    Redirect(StatusCode),
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unanswered::Http(error) => error.fmt(f),
            Unanswered::Status(status) => write!(f, "the token endpoint answered {status}"),
            Unanswered::Redirect(status) => {
                write!(f, "the token endpoint answered {status}, which isn't followed")
            }
        }
    }
}

impl Error for Unanswered {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Unanswered::Http(error) => error.source(),
            Unanswered::Status(_) | Unanswered::Redirect(_) => None,
        }
    }
}

/// What the endpoint's answer is worth.
fn token(answer: &BasicTokenResponse) -> Result<Token, TokenSourceError> {
    if *answer.token_type() != BasicTokenType::Bearer {
        return Err(TokenSourceError::unusable(
            "the token endpoint gave a token that isn't a bearer token",
        ));
    }
    let token = Token::new(answer.access_token().secret().as_str());
    Ok(match answer.expires_in() {
        Some(life) => token.expires_in(life),
        None => token,
    })
}

/// An error of the crate `oauth2` may hold the whole answer, tokens and all. Nothing of it is kept but
/// the error's code.
fn refused(error: RequestTokenError<Unanswered, BasicErrorResponse>) -> TokenSourceError {
    match error {
        RequestTokenError::Request(Unanswered::Redirect(status)) => {
            TokenSourceError::unusable(Unanswered::Redirect(status))
        }
        RequestTokenError::Request(unanswered) => TokenSourceError::unreachable(unanswered),
        RequestTokenError::ServerResponse(response) => {
            TokenSourceError::unusable(format!("the token endpoint refused: {}", code(&response)))
        }
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            TokenSourceError::unusable("the token endpoint's answer isn't one of OAuth")
        }
    }
}

/// RFC 6749, section 5.2: codes are short words.
fn code(response: &BasicErrorResponse) -> String {
    let code = response.error().to_string();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if code.len() <= 64 && code.bytes().all(is_word) { code } else { "an unknown error".into() }
}

/// A URL that isn't one, or that must not be asked.
#[derive(Debug)]
pub struct InvalidTokenUrl(Option<HttpError>);

impl fmt::Display for InvalidTokenUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Some(_) => "the token endpoint must not be asked",
            None => "the token endpoint's URL isn't one",
        })
    }
}

impl Error for InvalidTokenUrl {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.as_ref().map(|error| error as &(dyn Error + 'static))
    }
}
