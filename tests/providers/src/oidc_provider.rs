use std::time::Duration;

use serde_json::json;
use tokio::process::Child;

/// npm's `oidc-provider`, killed when dropped.
///
/// It knows the clients `orders` and `stock`, which ask for tokens for themselves, `orders-cli`, which
/// asks on behalf of `ada`, and `gate`, which asks what tokens are worth. The secret of each is its
/// name and `-secret`. A token for a `resource` is a JWT (RFC 9068); without one it is opaque.
#[derive(Debug)]
pub struct OidcProvider {
    issuer: String,
    _child: Child,
}

/// How an [`OidcProvider`] behaves.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long access tokens live.
    pub access_token_life: Duration,
    /// Who signs the tokens that are JWTs: RS256, PS256, ES256, EdDSA or Ed25519.
    pub alg: &'static str,
    /// Each so-many-th request to the token endpoint fails with 503; none when 0.
    pub fail_one_in: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { access_token_life: Duration::from_secs(600), alg: "RS256", fail_one_in: 0 }
    }
}

impl OidcProvider {
    /// A running one.
    ///
    /// # Panics
    /// When it can't be installed or started.
    #[allow(clippy::panic, reason = "a test fixture")]
    pub async fn start(settings: Settings) -> Self {
        let settings = json!({
            "access_token_life": settings.access_token_life.as_secs(),
            "alg": settings.alg,
            "fail_one_in": settings.fail_one_in,
        });
        let (child, said) = crate::ready(crate::node("provider.mjs").await, &settings).await;
        match said.get("issuer").and_then(|issuer| issuer.as_str()) {
            Some(issuer) => OidcProvider { issuer: issuer.to_owned(), _child: child },
            None => panic!("expected an issuer, came {said}"),
        }
    }

    /// The issuer's URL, over plain http on loopback.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The URL of its token endpoint.
    pub fn token_url(&self) -> String {
        format!("{}/token", self.issuer)
    }

    /// The URL of its introspection endpoint.
    pub fn introspection_url(&self) -> String {
        format!("{}/token/introspection", self.issuer)
    }

    /// The URL of its revocation endpoint.
    pub fn revocation_url(&self) -> String {
        format!("{}/token/revocation", self.issuer)
    }

    /// Where a GET answers with a refresh token of `ada` for `orders-cli`.
    pub fn refresh_token_url(&self) -> String {
        format!("{}/refresh-token-of-ada", self.issuer)
    }
}
