//! Keys fetched from an identity provider whose replies the tests choose.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy knows tests by their attribute, and not the functions beside them"
)]

mod bearer;
mod budgets;
mod discovery;
mod faults;
mod fetching;
mod proxy;
mod rotation;
mod several_sources;
mod startup;
mod tls;

use std::{sync::Arc, time::Duration};

use tonic_guard::{
    http_client::{HttpClient, HttpClientBuilder},
    jwt::{Claims, JwtVerifier, RemoteKeys, RemoteKeysBuilder},
};
use tonic_guard_suite_support::{
    counted::Counted,
    provider::{Provider, Reply},
    within,
};
use tonic_guard_test::{Algorithm, Issuer, SigningKey};
use tonic_guard_verifier_tests::{Serving, pass};

const AUDIENCE: &str = "https://accounts.example";
const JWKS: &str = "/keys";
const OPENID: &str = "/.well-known/openid-configuration";

const INVALID: &str = "Unauthenticated JWT_TOKEN_INVALID";
const UNAVAILABLE: &str = "Unavailable AUTHENTICATOR_UNAVAILABLE";

const COOLDOWN: Duration = Duration::from_secs(30);
const REFRESH: Duration = Duration::from_secs(5 * 60);
const MAX_AGE: Duration = Duration::from_secs(60 * 60);

fn http() -> HttpClientBuilder {
    HttpClient::builder().allow_http_on_loopback().timeout(Duration::from_secs(20))
}

/// An issuer whose keys a provider on loopback publishes.
struct Publisher {
    issuer: Arc<Issuer>,
    provider: Provider,
}

impl Publisher {
    async fn start() -> Publisher {
        Publisher::publish(Provider::start().await)
    }

    fn publish(provider: Provider) -> Publisher {
        let issuer = Arc::new(Issuer::with_algorithm(provider.url(""), Algorithm::EdDSA));
        let publisher = Publisher { issuer, provider };
        publisher.publish_current_keys();
        publisher
    }

    /// Publishes the current keys of the issuer at each request.
    fn publish_current_keys(&self) {
        let issuer = Arc::clone(&self.issuer);
        self.provider.reply_by(JWKS, move |_| Reply::Json(issuer.jwks()));
    }

    fn keys(&self) -> RemoteKeysBuilder {
        RemoteKeys::jwks(self.provider.url(JWKS)).http_client(http().build().unwrap())
    }

    fn verifier(&self, keys: RemoteKeys) -> JwtVerifier<Claims> {
        JwtVerifier::access_tokens(self.issuer.identifier(), AUDIENCE).build(keys)
    }

    async fn serve(&self, keys: RemoteKeys) -> Serving {
        Serving::bearers(self.verifier(keys)).await
    }

    /// A service that has fetched the keys.
    async fn serving(&self) -> Serving {
        self.serve(self.keys().connect().await.unwrap()).await
    }

    /// A token signed by the newest key. Each call makes another token.
    fn token(&self) -> String {
        self.issuer.access_token(AUDIENCE).sign()
    }

    /// A token that is good except for its signature, by a key with the id `kid`.
    fn forged(&self, kid: &str) -> String {
        let key = SigningKey::generate(kid, Algorithm::EdDSA);
        self.signed_by(&key, Some(kid))
    }

    fn signed_by(&self, key: &SigningKey, kid: Option<&str>) -> String {
        let mut header = serde_json::json!({"alg": "EdDSA", "typ": "at+jwt"});
        if let Some(kid) = kid {
            header["kid"] = kid.into();
        }
        key.sign(&header.to_string(), &self.issuer.access_token(AUDIENCE).payload())
    }

    /// Waits until earlier work on loopback has ended: three fetches that begin later have ended.
    async fn settle(&self) {
        for _ in 0..3 {
            let another = Publisher::start().await;
            another.keys().connect().await.unwrap();
        }
    }
}

fn ada() -> Result<String, String> {
    Ok("ada".into())
}

fn rejected(rejection: &str) -> Result<String, String> {
    Err(rejection.into())
}

/// Calls with `token` until the call has this outcome, because background tasks take time.
async fn eventually(serving: &Serving, token: &str, outcome: &Result<String, String>) {
    let eventually = async {
        while serving.bearer(token).await != *outcome {
            tokio::task::yield_now().await;
        }
    };
    within(&format!("{outcome:?}"), eventually).await;
}
