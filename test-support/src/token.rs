//! Tokens to be signed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::issuer::Issuer;

/// A token to be signed, with the claims of a valid access token and a lifetime of five minutes.
///
/// Its methods change the claims and the header, for tests with invalid tokens.
///
/// ```
#[doc = include_str!("doctest_verify.txt")]
/// use std::time::Duration;
/// use tonic_guard_test::Issuer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let issuer = Issuer::new("https://id.example");
/// let audience = "https://orders.example";
/// let keys = KeySet::from_jwks(issuer.jwks())?;
/// let verifier = JwtVerifier::access_tokens("https://id.example", audience).build(keys);
///
/// // Accepted.
/// let token = issuer.access_token(audience).subject("eve").sign();
/// assert_eq!(verify(&verifier, &token).await?.subject(), Some("eve"));
///
/// // Rejected: the token has expired.
/// let token = issuer.access_token(audience).expired_for(Duration::from_secs(3600)).sign();
/// assert!(verify(&verifier, &token).await.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Token<'a> {
    issuer: &'a Issuer,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl<'a> Token<'a> {
    pub(crate) fn new(issuer: &'a Issuer, typ: &str, audience: &str) -> Token<'a> {
        let now = now();
        let mut token = Token { issuer, header: Map::new(), claims: Map::new() };
        token = token.header("typ", typ);
        for (name, value) in [
            ("iss", json!(issuer.identifier())),
            ("aud", json!(audience)),
            ("sub", json!("ada")),
            ("client_id", json!("tests")),
            ("jti", json!(format!("{}-{now}", issuer.next_number()))),
            ("iat", json!(now)),
            ("exp", json!(now + 300)),
        ] {
            token.claims.insert(name.into(), value);
        }
        token
    }

    /// Sets the subject (`sub`), which is `ada` by default.
    pub fn subject(self, subject: &str) -> Self {
        self.claim("sub", subject)
    }

    /// Sets the granted scopes (`scope`), separated by spaces. By default there are none.
    pub fn scope(self, scope: &str) -> Self {
        self.claim("scope", scope)
    }

    /// Sets the expiry (`exp`) to `time` from now, rounded down to seconds.
    pub fn expires_in(self, time: Duration) -> Self {
        self.claim("exp", now() + time.as_secs())
    }

    /// Sets the expiry (`exp`) to `time` before now.
    ///
    /// A server accepts a token until its clock skew has passed since `exp`, which is a minute by default in
    /// tonic-guard's verifiers. So a token that expired less than a minute ago is still accepted. For a token
    /// that is rejected, pass more than the skew, such as an hour, or set the skew of the verifier to zero.
    pub fn expired_for(self, time: Duration) -> Self {
        self.claim("exp", now().saturating_sub(time.as_secs()))
    }

    /// Sets a claim.
    ///
    /// # Panics
    /// When `value` can't be serialized as JSON.
    pub fn claim(mut self, name: &str, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).expect("the claim can be serialized as JSON");
        self.claims.insert(name.to_owned(), value);
        self
    }

    /// Removes a claim.
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Sets a member of the header. By default, `alg` and `kid` are those of the signing key.
    ///
    /// # Panics
    /// When `value` can't be serialized as JSON.
    pub fn header(mut self, name: &str, value: impl Serialize) -> Self {
        let value =
            serde_json::to_value(value).expect("the header member can be serialized as JSON");
        self.header.insert(name.to_owned(), value);
        self
    }

    /// Returns the claims as JSON.
    pub fn payload(&self) -> String {
        Value::Object(self.claims.clone()).to_string()
    }

    /// Signs the token with the issuer's newest key.
    pub fn sign(self) -> String {
        let key = self.issuer.signing_key();
        let mut header = self.header;
        header.entry("alg").or_insert_with(|| json!(key.algorithm().to_string()));
        header.entry("kid").or_insert_with(|| json!(key.id()));
        key.sign(&Value::Object(header).to_string(), &Value::Object(self.claims).to_string())
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
