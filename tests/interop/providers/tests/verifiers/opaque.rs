//! Opaque tokens, which only the provider can read.

use tonic_guard::introspection::{
    AudienceMatcher, Claims, ClientAuthentication, IntrospectionVerifier, IssuerMatcher,
};
use tonic_guard_verifier_tests::{Named, pass};

use super::*;

const INVALID: &str = "Unauthenticated CREDENTIALS_INVALID";

/// A service that introspects tokens.
async fn introspecting(provider: &OidcProvider, client: ClientAuthentication) -> Serving {
    // For an opaque token this provider returns the client and no audience.
    let (issuer, audience) = (IssuerMatcher::is(provider.issuer()), AudienceMatcher::unchecked());
    let endpoint = provider.introspection_url();
    let tokens = IntrospectionVerifier::<OfClient>::builder(endpoint, client, issuer, audience);
    Serving::bearers(tokens.http_client(http()).build().unwrap()).await
}

fn gate() -> ClientAuthentication {
    ClientAuthentication::basic("gate", "gate-secret")
}

/// The claims of a token that a client requested for itself.
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
async fn token_is_admitted_until_its_revocation_is_noticed() {
    let provider = OidcProvider::start(Settings::default()).await;
    let serving = introspecting(&provider, gate()).await;
    let token = provider.access_token("orders", None).await;
    let other = provider.access_token("orders", None).await;
    for token in [&token, &other, &token] {
        assert_eq!(within("a call", serving.bearer(token)).await, orders());
    }
    for unknown in ["opaque".to_owned(), format!("{token}a"), token.to_uppercase()] {
        assert_eq!(
            within("a call", serving.bearer(&unknown)).await,
            rejected(INVALID),
            "{unknown}"
        );
    }
    provider.revoke("orders", &token).await;
    assert_eq!(within("a call", serving.bearer(&token)).await, orders(), "the response is cached");
    pass(Duration::from_secs(60)).await;
    assert_eq!(within("a call", serving.bearer(&token)).await, rejected(INVALID));
    assert_eq!(within("a call", serving.bearer(&other)).await, orders());
}

#[tokio::test]
async fn rejected_credentials_of_the_service_are_unavailable() {
    let provider = OidcProvider::start(Settings::default()).await;
    let token = provider.access_token("orders", None).await;
    let serving = introspecting(&provider, gate()).await;
    assert_eq!(within("a call", serving.bearer(&token)).await, orders());
    for client in [
        ClientAuthentication::basic("gate", "wrong"),
        ClientAuthentication::basic("nobody", "gate-secret"),
        ClientAuthentication::bearer("gate-secret"),
    ] {
        let name = format!("{client:?}");
        let serving = introspecting(&provider, client).await;
        assert_eq!(within("a call", serving.bearer(&token)).await, rejected(UNAVAILABLE), "{name}");
    }
}

#[tokio::test]
async fn cached_tokens_are_admitted_while_the_provider_restarts() {
    let mut provider = OidcProvider::start(Settings::default()).await;
    let serving = introspecting(&provider, gate()).await;
    let known = provider.access_token("orders", None).await;
    let unknown = provider.access_token("orders", None).await;
    assert_eq!(within("a call", serving.bearer(&known)).await, orders());
    provider.kill().await;
    for _ in 0..3 {
        assert_eq!(within("a call", serving.bearer(&known)).await, orders());
        assert_eq!(within("a call", serving.bearer(&unknown)).await, rejected(UNAVAILABLE));
    }
    // The restarted provider has lost all tokens.
    provider.restart().await;
    assert_eq!(within("a call", serving.bearer(&unknown)).await, rejected(INVALID));
    let fresh = provider.access_token("orders", None).await;
    assert_eq!(within("a call", serving.bearer(&fresh)).await, orders());
}
