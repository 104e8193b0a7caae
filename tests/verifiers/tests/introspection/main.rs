//! Opaque tokens on the wire, checked at an introspection endpoint whose responses the tests
//! choose.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy knows tests by their attribute, and not the functions beside them"
)]

mod cache;
mod client;
mod requests;
mod responses;
mod secrets;

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::Deserialize;
use serde_json::{Value, json};
use tonic_guard::{
    HasScopes,
    http_client::HttpClient,
    introspection::{
        AudienceMatcher, ClientAuthentication, IntrospectionVerifier, IntrospectionVerifierBuilder,
        IssuerMatcher,
    },
};
use tonic_guard_suite_support::{
    counted::Counted,
    provider::{Provider, Received, Reply},
    within,
};
use tonic_guard_verifier_tests::{Named, Serving, pass};

const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "https://accounts.example";
const ENDPOINT: &str = "/introspect";

const INVALID: &str = "Unauthenticated CREDENTIALS_INVALID";
const EXPIRED: &str = "Unauthenticated ACCESS_TOKEN_EXPIRED";
const UNAVAILABLE: &str = "Unavailable AUTHENTICATOR_UNAVAILABLE";

#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    #[serde(default)]
    scope: String,
}

impl Named for Claims {
    fn name(&self) -> String {
        self.sub.clone()
    }
}

impl HasScopes for Claims {
    fn has_scope(&self, scope: &str) -> bool {
        self.scope.split(' ').any(|granted| granted == scope)
    }
}

fn http() -> HttpClient {
    let client = HttpClient::builder().allow_http_on_loopback();
    client.timeout(Duration::from_secs(20)).build().unwrap()
}

fn builder<C: serde::de::DeserializeOwned + Send + Sync + 'static>(
    provider: &Provider,
) -> IntrospectionVerifierBuilder<C> {
    let client = ClientAuthentication::basic("accounts", "s3cret");
    let (issuer, audience) = (IssuerMatcher::is(ISSUER), AudienceMatcher::includes(AUDIENCE));
    IntrospectionVerifier::builder(provider.url(ENDPOINT), client, issuer, audience)
        .http_client(http())
}

async fn serving(provider: &Provider) -> Serving {
    Serving::bearers(builder::<Claims>(provider).build().unwrap()).await
}

fn unix_now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// A well-behaved endpoint's response for ada's token, with these members changed; `null` removes
/// one.
fn ada(changes: Value) -> String {
    let mut answer = json!({
        "active": true, "iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "scope": "openid",
        "token_type": "Bearer", "client_id": "portal", "exp": unix_now() + 600.0,
    });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => answer.as_object_mut().unwrap().remove(name),
            value => answer.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    answer.to_string()
}

/// A provider that answers for every token that it is ada's.
async fn provider() -> Provider {
    let provider = Provider::start().await;
    provider.reply_by(ENDPOINT, |_| Reply::Json(ada(json!({}))));
    provider
}
