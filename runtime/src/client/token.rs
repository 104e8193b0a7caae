//! Tokens, and where they come from.

use std::{
    error::Error,
    fmt,
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// How long a source of tokens may take, unless it says otherwise.
pub const DEFAULT_FETCH_DEADLINE: Duration = Duration::from_secs(10);

/// A secret that a source gave, and how long it may be used. It never prints.
///
/// A token is a source of itself, for one that never changes:
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
}

impl Token {
    /// A token that is used until a server refuses it.
    pub fn new(secret: impl Into<Box<str>>) -> Self {
        Token { secret: secret.into(), life: None, refresh_after: None }
    }

    /// Says how long the token lives, from the time when it was asked for: `expires_in` of an OAuth
    /// answer (RFC 6749, section 5.1).
    ///
    /// It is used until min(30 s, a quarter of its life) before its end, and a new one is asked for
    /// from twice that on.
    #[must_use]
    pub fn expires_in(mut self, life: Duration) -> Self {
        self.life = Some(life);
        self
    }

    /// Says when the token's life ends: `exp` of a JWT (RFC 7519, section 4.1.4).
    #[must_use]
    pub fn expires_at(self, end: SystemTime) -> Self {
        let life = end.duration_since(SystemTime::now()).unwrap_or_default();
        self.expires_in(life)
    }

    /// Says when to ask for another one, although this one is still good: for a source that may have
    /// a newer one at any time, such as a file.
    #[must_use]
    pub fn refresh_after(mut self, pause: Duration) -> Self {
        self.refresh_after = Some(pause);
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

/// Gives tokens.
///
/// [`CallCredentials`](super::CallCredentials) keeps what it gives and decides when to ask again: one
/// fetch at a time, in a task of its own, for all calls that wait. A source keeps nothing itself.
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
    message = "`{Self}` isn't a source of tokens",
    label = "no `TokenSource` for `{Self}`",
    note = "a fixed token is `Token::new(..)`, a closure becomes a source by `token_fn(..)`, a file by `TokenFile::new(..)`"
)]
pub trait TokenSource: Send + Sync + 'static {
    /// Gets a token.
    ///
    /// # Errors
    /// A [`TokenSourceError`] says whether the source is out of reach or its answer is no good. Keep
    /// secrets out of it: the calls that waited tell it to their callers.
    fn token(&self) -> impl Future<Output = Result<Token, TokenSourceError>> + Send;

    /// How long that may take. What takes longer counts as out of reach.
    fn deadline(&self) -> Duration {
        DEFAULT_FETCH_DEADLINE
    }
}

impl TokenSource for Token {
    async fn token(&self) -> Result<Token, TokenSourceError> {
        Ok(self.clone())
    }
}

/// A source out of a closure.
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

/// What [`token_fn`] makes.
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

/// A [`TokenSource`] whose type is forgotten.
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

/// Why no token could be had. A clone shares the cause.
#[derive(Clone, Debug)]
pub struct TokenSourceError {
    pub(super) unreachable: bool,
    cause: Arc<dyn Error + Send + Sync>,
}

impl TokenSourceError {
    /// The source can't be asked now. Calls that wait for it end as UNAVAILABLE.
    pub fn unreachable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        TokenSourceError { unreachable: true, cause: cause.into().into() }
    }

    /// The source answered, and there is no token in its answer that can be used. Calls that wait
    /// for it end as UNAUTHENTICATED.
    pub fn unusable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        TokenSourceError { unreachable: false, cause: cause.into().into() }
    }

    /// Whether the source couldn't be asked.
    pub fn is_unreachable(&self) -> bool {
        self.unreachable
    }
}

/// What went wrong, with all its causes.
impl fmt::Display for TokenSourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.unreachable {
            true => "the source of tokens is out of reach",
            false => "the source of tokens gave none that can be used",
        })?;
        let mut cause: Option<&dyn Error> = Some(&*self.cause);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// Without a source: the text has the causes already.
impl Error for TokenSourceError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_its_causes() {
        let cause = std::io::Error::other("no route");
        let error = TokenSourceError::unreachable(cause);
        assert_eq!(error.to_string(), "the source of tokens is out of reach: no route");
        assert!(error.is_unreachable());
        assert!(!TokenSourceError::unusable("no").is_unreachable());
    }

    #[test]
    fn a_token_whose_end_has_passed_has_no_life() {
        let past = SystemTime::now() - Duration::from_secs(1);
        assert_eq!(Token::new("a").expires_at(past).life, Some(Duration::ZERO));
    }
}
