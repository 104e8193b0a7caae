//! Tokens and token sources.

use std::{
    error::Error,
    fmt,
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// The default of [`TokenSource::deadline`].
pub const DEFAULT_FETCH_DEADLINE: Duration = Duration::from_secs(10);

/// A secret and its lifetime. `Debug` doesn't print the secret.
///
/// A token is also a [`TokenSource`], which always returns itself:
///
/// ```
/// use std::time::Duration;
/// use tonic_guard::client::{CallCredentials, Token};
///
/// let fixed = CallCredentials::bearer(Token::new("s3cret"));
/// let short = Token::new("s3cret").expires_in(Duration::from_secs(300));
/// # assert!(!format!("{short:?}").contains("s3cret"));
/// ```
#[derive(Clone)]
pub struct Token {
    pub(super) secret: Box<str>,
    pub(super) life: Option<Duration>,
    pub(super) refresh_after: Option<Duration>,
    /// The file with the token, for errors.
    pub(super) origin: Option<Box<str>>,
}

impl Token {
    /// The secret, for a request without call credentials.
    #[cfg(feature = "jwks")]
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// Makes a token without a known lifetime, which is used until a server rejects it.
    pub fn new(secret: impl Into<Box<str>>) -> Self {
        Token { secret: secret.into(), life: None, refresh_after: None, origin: None }
    }

    /// Sets the lifetime, which starts when the token is requested: `expires_in` of an OAuth response
    /// (RFC 6749, section 5.1).
    ///
    /// The token counts as expired min(30 s, a quarter of its lifetime) before its end. It is refreshed in
    /// the background from twice that time before its end.
    #[must_use]
    pub fn expires_in(mut self, life: Duration) -> Self {
        self.life = Some(life);
        self
    }

    /// Sets the time at which the token expires: `exp` of a JWT (RFC 7519, section 4.1.4).
    #[must_use]
    pub fn expires_at(self, end: SystemTime) -> Self {
        let life = end.duration_since(SystemTime::now()).unwrap_or_default();
        self.expires_in(life)
    }

    /// Sets the time after which the source is asked again although this token is still valid.
    ///
    /// It is for sources that may have a newer token at any time, such as a file.
    #[must_use]
    pub fn refresh_after(mut self, time: Duration) -> Self {
        self.refresh_after = Some(time);
        self
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("life", &self.life)
            .field("refresh_after", &self.refresh_after)
            .finish_non_exhaustive()
    }
}

/// Fetches tokens for [`CallCredentials`](super::CallCredentials).
///
/// The call credentials cache the token and decide when to fetch the next one. All calls that wait share one
/// fetch, which runs in its own task. A source needs no cache.
///
/// ```
/// use std::time::Duration;
/// use tonic_guard::client::{Token, TokenSourceError, TokenSource};
///
/// struct Vault;
///
/// impl TokenSource for Vault {
///     async fn token(&self) -> Result<Token, TokenSourceError> {
///         let lease = read("secret/orders").map_err(TokenSourceError::unreachable)?;
///         Ok(Token::new(lease).expires_in(Duration::from_secs(600)))
///     }
/// }
/// # fn read(_: &str) -> std::io::Result<String> { Ok("s3cret".into()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` isn't a token source",
    label = "expected a `TokenSource`",
    note = "use `Token::new(..)` for a fixed token, `token_fn(..)` for a closure, `TokenFile::new(..)` for a file"
)]
pub trait TokenSource: Send + Sync + 'static {
    /// Fetches a token.
    ///
    /// # Errors
    /// [`unreachable`](TokenSourceError::unreachable) if the source can't be reached, and
    /// [`unusable`](TokenSourceError::unusable) if its response has no usable token. The error
    /// must not contain secrets, because it is logged, and [`CallError`](super::CallError) has it.
    fn token(&self) -> impl Future<Output = Result<Token, TokenSourceError>> + Send;

    /// Limits the time of a fetch: ten seconds by default. A slower source counts as unreachable.
    fn deadline(&self) -> Duration {
        DEFAULT_FETCH_DEADLINE
    }
}

impl TokenSource for Token {
    async fn token(&self) -> Result<Token, TokenSourceError> {
        Ok(self.clone())
    }
}

/// Makes a token source from a closure.
///
/// ```
/// use tonic_guard::client::{CallCredentials, Token, TokenSourceError, token_fn};
///
/// let source = token_fn(|| async {
///     let token = std::env::var("ORDERS_TOKEN").map_err(TokenSourceError::unusable)?;
///     Ok(Token::new(token))
/// });
/// let credentials = CallCredentials::bearer(source);
/// ```
pub fn token_fn<F, Fut>(function: F) -> TokenFn<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Token, TokenSourceError>> + Send,
{
    TokenFn(function)
}

/// The token source that [`token_fn`] returns.
#[derive(Clone, Copy)]
pub struct TokenFn<F>(F);

impl<F, Fut> TokenSource for TokenFn<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Token, TokenSourceError>> + Send,
{
    fn token(&self) -> impl Future<Output = Result<Token, TokenSourceError>> + Send {
        (self.0)()
    }
}

impl<F> fmt::Debug for TokenFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenFn")
    }
}

/// A type-erased [`TokenSource`].
pub(super) trait ErasedSource: Send + Sync {
    fn token(&self) -> Pin<Box<dyn Future<Output = Result<Token, TokenSourceError>> + Send + '_>>;
    fn deadline(&self) -> Duration;
}

impl<S: TokenSource> ErasedSource for S {
    fn token(&self) -> Pin<Box<dyn Future<Output = Result<Token, TokenSourceError>> + Send + '_>> {
        Box::pin(TokenSource::token(self))
    }

    fn deadline(&self) -> Duration {
        TokenSource::deadline(self)
    }
}

/// Why a token source returned no token. Clones share the cause, which is the error's `source`.
#[derive(Clone, Debug)]
pub struct TokenSourceError {
    pub(super) unreachable: bool,
    cause: Arc<dyn Error + Send + Sync>,
}

impl TokenSourceError {
    /// The source can't be reached now. Calls that wait for the token end with UNAVAILABLE.
    pub fn unreachable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        TokenSourceError { unreachable: true, cause: cause.into().into() }
    }

    /// The source responded without a usable token. Calls that wait for the token end with UNAUTHENTICATED.
    pub fn unusable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        TokenSourceError { unreachable: false, cause: cause.into().into() }
    }

    /// Returns true if the source couldn't be reached.
    pub fn is_unreachable(&self) -> bool {
        self.unreachable
    }
}

impl fmt::Display for TokenSourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.unreachable {
            true => "the token source is unreachable",
            false => "the token source returned no usable token",
        })
    }
}

impl Error for TokenSourceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.cause)
    }
}

/// The text of an error and of all its causes, for the operator.
pub(crate) struct WithCauses<'a>(pub(crate) &'a dyn Error);

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_sources_and_not_part_of_the_text() {
        let cause = std::io::Error::other("no route");
        let error = TokenSourceError::unreachable(cause);
        assert_eq!(error.to_string(), "the token source is unreachable");
        assert_eq!(error.source().unwrap().to_string(), "no route");
        let all = WithCauses(&error).to_string();
        assert_eq!(all, "the token source is unreachable: no route");
        assert!(error.is_unreachable());
        assert!(!TokenSourceError::unusable("no").is_unreachable());
    }

    #[test]
    fn token_that_expired_in_the_past_has_no_lifetime_left() {
        let past = SystemTime::now() - Duration::from_secs(1);
        assert_eq!(Token::new("a").expires_at(past).life, Some(Duration::ZERO));
    }
}
