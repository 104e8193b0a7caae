//! Tokens that only it can read.

use tonic_guard::introspection::{
    AudienceMatcher, Claims, ClientAuthentication, IntrospectionVerifier, IssuerMatcher,
};
use tonic_guard_verifier_tests::{Named, pass};

use super::*;

const INVALID: &str = "Unauthenticated CREDENTIALS_INVALID";

/// A service that asks what tokens are worth.
async fn asking(provider: &OidcProvider, client: ClientAuthentication) -> Serving {
    // This provider tells of an opaque token which client has it, and no audience.
    let (issuer, audience) = (IssuerMatcher::is(provider.issuer()), AudienceMatcher::unchecked());
    let endpoint = provider.introspection_url();
    let tokens = IntrospectionVerifier::<OfClient>::builder(endpoint, client, issuer, audience);
    Serving::bearers(tokens.http_client(http()).build().unwrap()).await
}

fn gate() -> ClientAuthentication {
    ClientAuthentication::basic("gate", "gate-secret")
}

/// Claims of a token that a client has for itself.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct OfClient(Claims);

impl Named for OfClient {
    fn name(&self) -> String {
        self.0.client_id().unwrap_or("nobody").to_owned()
    }
}

impl tonic_guard::HasScopes for OfClient {
    fn has_scope(&self, scope: &str) -> bool {
        self.0.has_scope(scope)
    }
}

#[tokio::test]
async fn a_token_gets_in_until_it_is_seen_to_be_revoked() {
    let provider = OidcProvider::start(Settings::default()).await;
    let serving = asking(&provider, gate()).await;
    let token = provider.access_token("orders", None).await;
    let other = provider.access_token("orders", None).await;
    for token in [&token, &other, &token] {
        assert_eq!(within("a call", serving.bearer(token)).await, orders());
    }
    for unknown in ["opaque".to_owned(), format!("{token}a"), token.to_uppercase()] {
        assert_eq!(within("a call", serving.bearer(&unknown)).await, told(INVALID), "{unknown}");
    }
    provider.revoke("orders", &token).await;
    assert_eq!(within("a call", serving.bearer(&token)).await, orders(), "it is remembered");
    pass(Duration::from_secs(60)).await;
    assert_eq!(within("a call", serving.bearer(&token)).await, told(INVALID));
    assert_eq!(within("a call", serving.bearer(&other)).await, orders());
}

#[tokio::test]
async fn credentials_of_ours_that_it_refuses_refuse_nobodys_token() {
    let provider = OidcProvider::start(Settings::default()).await;
    let token = provider.access_token("orders", None).await;
    let serving = asking(&provider, gate()).await;
    assert_eq!(within("a call", serving.bearer(&token)).await, orders());
    for client in [
        ClientAuthentication::basic("gate", "wrong"),
        ClientAuthentication::basic("nobody", "gate-secret"),
        ClientAuthentication::bearer("gate-secret"),
    ] {
        let name = format!("{client:?}");
        let serving = asking(&provider, client).await;
        assert_eq!(within("a call", serving.bearer(&token)).await, told(UNAVAILABLE), "{name}");
    }
}

#[tokio::test]
async fn it_is_killed_and_started_again() {
    let mut provider = OidcProvider::start(Settings::default()).await;
    let serving = asking(&provider, gate()).await;
    let known = provider.access_token("orders", None).await;
    let unknown = provider.access_token("orders", None).await;
    assert_eq!(within("a call", serving.bearer(&known)).await, orders());
    provider.kill().await;
    for _ in 0..3 {
        assert_eq!(within("a call", serving.bearer(&known)).await, orders());
        assert_eq!(within("a call", serving.bearer(&unknown)).await, told(UNAVAILABLE));
    }
    // It has forgotten all tokens by now.
    provider.restart().await;
    assert_eq!(within("a call", serving.bearer(&unknown)).await, told(INVALID));
    let fresh = provider.access_token("orders", None).await;
    assert_eq!(within("a call", serving.bearer(&fresh)).await, orders());
}
