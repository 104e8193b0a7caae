use std::{error::Error, fmt};

use super::hash::KeyHash;
use crate::{
    authenticate::{Authenticate, Authenticated, Immediate},
    error::AuthError,
    scheme::{ApiKey, ApiKeyValue, Bearer, BearerToken},
};

/// The minimum length of a token. 32 hexadecimal digits have 128 bits.
const MIN_LENGTH: usize = 32;

/// Verifies a single token with a fixed identity.
///
/// It suits a service with one caller and a token in its environment, as a bearer token or an API key. The
/// token doesn't expire, and it can't be rotated without an interruption. [`ApiKeys`](super::ApiKeys) can do
/// both.
///
/// The time of a call depends on whether its token has the right length, and not on its content. The length
/// isn't secret: a token of 32 characters or more can't be guessed by one who knows it.
///
/// ```
/// use tonic_guard::Authenticate;
/// use tonic_guard::api_keys::StaticToken;
///
/// #[derive(Clone)]
/// struct Deployer;
///
/// #[derive(Authenticate)]
/// struct Releases {
///     #[verifies("bearer")]
///     deployer: StaticToken<Deployer>,
/// }
///
/// // For example the output of `openssl rand -hex 32`.
/// let token = "5c1f0a7e9b3d48266e1db7f3a02c94d85c1f0a7e9b3d48266e1db7f3a02c94d8";
/// assert!(StaticToken::new(token, Deployer).is_ok());
///
/// assert!(StaticToken::new("hunter2", Deployer).is_err());
/// ```
pub struct StaticToken<I> {
    hash: KeyHash,
    length: usize,
    identity: I,
}

impl<I: Clone + Send + Sync + 'static> StaticToken<I> {
    /// A verifier that accepts `token`. It stores only the hash.
    ///
    /// # Errors
    /// Returns an error if `token` has fewer than 32 characters, or characters that a bearer token can't
    /// have: it consists of letters, digits and `-._~+/`, with `=` at its end (RFC 9110, section 11.2). A
    /// newline at the end of a file is an error too.
    pub fn new(token: &str, identity: I) -> Result<Self, StaticTokenError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        if !token.trim_end_matches('=').bytes().all(allowed) {
            return Err(StaticTokenError::Character);
        }
        if token.len() < MIN_LENGTH {
            return Err(StaticTokenError::Short);
        }
        Ok(StaticToken { hash: KeyHash::of(token), length: token.len(), identity })
    }

    /// Compares the hashes, so that the time doesn't depend on the content of the token. A token of another
    /// length isn't hashed: a caller would choose how long that takes.
    fn verify(&self, token: &str) -> Result<I, AuthError> {
        if token.len() == self.length && KeyHash::of(token).matches(&self.hash) {
            Ok(self.identity.clone())
        } else {
            Err(AuthError::invalid().because("the token is wrong"))
        }
    }
}

impl<I: Clone + Send + Sync + 'static> Authenticate<Bearer> for StaticToken<I> {
    type Identity = I;

    async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<I>, AuthError> {
        self.verify(token.as_str()).map(Authenticated::from)
    }

    fn authenticate_now(&self, token: BearerToken) -> Immediate<I, BearerToken> {
        Immediate::Decided(self.verify(token.as_str()).map(Authenticated::from))
    }
}

impl<I: Clone + Send + Sync + 'static> Authenticate<ApiKey> for StaticToken<I> {
    type Identity = I;

    async fn authenticate(&self, key: ApiKeyValue) -> Result<Authenticated<I>, AuthError> {
        self.verify(key.as_str()).map(Authenticated::from)
    }

    fn authenticate_now(&self, key: ApiKeyValue) -> Immediate<I, ApiKeyValue> {
        Immediate::Decided(self.verify(key.as_str()).map(Authenticated::from))
    }
}

impl<I> fmt::Debug for StaticToken<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaticToken([redacted])")
    }
}

/// Why a text can't be the token of a [`StaticToken`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StaticTokenError {
    /// The text has a character that a bearer token can't have.
    Character,
    /// The text has fewer than 32 characters.
    Short,
}

impl fmt::Display for StaticTokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StaticTokenError::Character => {
                "expected a token of letters, digits and -._~+/, with = only at its end and no newline"
            }
            StaticTokenError::Short => "expected a token of at least 32 characters",
        })
    }
}

impl Error for StaticTokenError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_that_is_short_or_has_other_characters_is_rejected() {
        let new = |token: &str| StaticToken::new(token, ()).map(|_| ());
        assert_eq!(new(&"a".repeat(31)), Err(StaticTokenError::Short));
        assert_eq!(new(""), Err(StaticTokenError::Short));
        assert_eq!(new(&"a".repeat(32)), Ok(()));
        assert_eq!(new(&("a".repeat(30) + "==")), Ok(()));
        for bad in ["\n", "=a", " ", ",", "\"", "ä", "\0"] {
            assert_eq!(new(&("a".repeat(32) + bad)), Err(StaticTokenError::Character), "{bad:?}");
        }
    }
}
