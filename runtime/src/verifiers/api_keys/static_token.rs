use std::{error::Error, fmt};

use super::KeyHash;
use crate::{
    authenticate::Authenticate,
    error::AuthError,
    scheme::{ApiKey, ApiKeyValue, Bearer, BearerToken},
};

/// How short a token may be. 32 hexadecimal digits are 128 bits.
const MIN: usize = 32;

/// One token, and who presents it.
///
/// For a service that has a token in its environment and one caller who knows it. It has no id, no
/// end, and no second token for the time of a change: [`ApiKeys`](super::ApiKeys) has. It checks keys
/// in a header of their own and bearer tokens.
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
/// // As `openssl rand -hex 32` prints it.
/// let token = "5c1f0a7e9b3d48266e1db7f3a02c94d85c1f0a7e9b3d48266e1db7f3a02c94d8";
/// assert!(StaticToken::new(token, Deployer).is_ok());
///
/// assert!(StaticToken::new("hunter2", Deployer).is_err());
/// ```
pub struct StaticToken<I> {
    hash: KeyHash,
    identity: I,
}

impl<I: Clone + Send + Sync + 'static> StaticToken<I> {
    /// A verifier that knows `token` alone. It keeps its hash.
    ///
    /// # Errors
    /// When `token` has fewer than 32 characters, or others than letters, digits and `-._~+/`, with `=` at
    /// its end (RFC 9110, section 11.2): a bearer token can't have those. The line's end of a file is such a
    /// character.
    pub fn new(token: &str, identity: I) -> Result<Self, StaticTokenError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        if !token.trim_end_matches('=').bytes().all(allowed) {
            return Err(StaticTokenError::Character);
        }
        if token.len() < MIN {
            return Err(StaticTokenError::Short);
        }
        Ok(StaticToken { hash: KeyHash::of(token), identity })
    }

    /// Digests are compared, so that the time tells nothing of the token's length either.
    fn check(&self, token: &str) -> Result<I, AuthError> {
        if KeyHash::of(token).matches(&self.hash) {
            Ok(self.identity.clone())
        } else {
            Err(AuthError::invalid().because("this isn't the token"))
        }
    }
}

impl<I: Clone + Send + Sync + 'static> Authenticate<Bearer> for StaticToken<I> {
    type Identity = I;

    async fn authenticate(&self, token: BearerToken) -> Result<I, AuthError> {
        self.check(token.as_str())
    }
}

impl<I: Clone + Send + Sync + 'static> Authenticate<ApiKey> for StaticToken<I> {
    type Identity = I;

    async fn authenticate(&self, key: ApiKeyValue) -> Result<I, AuthError> {
        self.check(key.as_str())
    }
}

impl<I> fmt::Debug for StaticToken<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaticToken([redacted])")
    }
}

/// Why a text can't be a [`StaticToken`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StaticTokenError {
    /// It has a character that a bearer token can't have.
    Character,
    /// It has fewer than 32 characters.
    Short,
}

impl fmt::Display for StaticTokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StaticTokenError::Character => {
                "a token is made of letters, digits and -._~+/, with = at its end and no line's end"
            }
            StaticTokenError::Short => "a token has at least 32 characters",
        })
    }
}

impl Error for StaticTokenError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_is_weak_or_fits_no_header_is_refused() {
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
