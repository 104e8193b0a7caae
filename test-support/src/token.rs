use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::issuer::Issuer;

/// A token to be signed. It is good, for five minutes, until something is changed in it.
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

    /// Who it speaks of: `sub`. It is `ada` by default.
    pub fn subject(self, subject: &str) -> Self {
        self.claim("sub", subject)
    }

    /// What it grants: `scope`, separated by spaces.
    pub fn scope(self, scope: &str) -> Self {
        self.claim("scope", scope)
    }

    /// When it ends, from now on.
    pub fn expires_in(self, time: Duration) -> Self {
        self.claim("exp", now() + time.as_secs())
    }

    /// That it ended some time ago.
    pub fn expired_for(self, time: Duration) -> Self {
        self.claim("exp", now().saturating_sub(time.as_secs()))
    }

    /// Any claim.
    ///
    /// # Panics
    /// When `value` can't be JSON.
    pub fn claim(mut self, name: &str, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).expect("a claim is JSON");
        self.claims.insert(name.to_owned(), value);
        self
    }

    /// Without this claim.
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Any member of the header. `alg` and `kid` are the key's, unless they are set here.
    ///
    /// # Panics
    /// When `value` can't be JSON.
    pub fn header(mut self, name: &str, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).expect("a member of a header is JSON");
        self.header.insert(name.to_owned(), value);
        self
    }

    /// The claims, as JSON.
    pub fn payload(&self) -> String {
        Value::Object(self.claims.clone()).to_string()
    }

    /// The token, signed with the issuer's newest key.
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
