//! Authenticators that know a few credentials.

use tonic_guard::{
    AuthError, Authenticate, Authenticated,
    scheme::{ApiKey, ApiKeyValue, Basic, BasicCredentials, Bearer, BearerToken},
};

use crate::identities::{Partner, User};

/// Accepts `ada-token` (scopes `read write`) and `eve-token` (scope `read`).
///
/// `old-token` has expired. For `hang` it never returns, for `panic` it panics, and for `down` it is unavailable.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokens;

impl Authenticate<Bearer> for Tokens {
    type Identity = User;

    #[allow(clippy::panic, reason = "tests need an authenticator that panics")]
    async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<User>, AuthError> {
        if token.matches("ada-token") {
            return Ok(User { name: "ada".into(), scopes: "read write" }.into());
        }
        if token.matches("eve-token") {
            return Ok(User { name: "eve".into(), scopes: "read" }.into());
        }
        match token.as_str() {
            "old-token" => Err(AuthError::expired()),
            "down" => Err(AuthError::unavailable().because("the directory is out of reach")),
            "panic" => panic!("a verifier panics"),
            "hang" => std::future::pending().await,
            _ => Err(AuthError::invalid().because("no such token")),
        }
    }

    fn deadline(&self) -> std::time::Duration {
        std::time::Duration::from_millis(200)
    }
}

/// Accepts `ada` with the password `pa:ss`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Passwords;

impl Authenticate<Basic> for Passwords {
    type Identity = User;

    async fn authenticate(
        &self,
        credentials: BasicCredentials,
    ) -> Result<Authenticated<User>, AuthError> {
        if credentials.user_id() == "ada" && credentials.password_matches("pa:ss") {
            Ok(User { name: "ada".into(), scopes: "read" }.into())
        } else {
            Err(AuthError::invalid())
        }
    }
}

/// Accepts one key, by default `key-1` of the partner `acme`.
#[derive(Clone, Copy, Debug)]
pub struct Keys(pub &'static str, pub &'static str);

impl Default for Keys {
    fn default() -> Self {
        Keys("key-1", "acme")
    }
}

impl Authenticate<ApiKey> for Keys {
    type Identity = Partner;

    async fn authenticate(&self, key: ApiKeyValue) -> Result<Authenticated<Partner>, AuthError> {
        if key.matches(self.0) {
            Ok(Partner(self.1.into()).into())
        } else {
            Err(AuthError::invalid())
        }
    }
}
