use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Child;
use tonic_guard_suite_support::process::{program, run};

const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// npm's `oidc-provider`, killed when dropped.
///
/// It knows the clients `orders` and `stock`, which request tokens for themselves, `orders-cli`,
/// which requests them on behalf of `ada`, and `gate`, which introspects tokens. Each client's
/// secret is its name and `-secret`. A token for a `resource` is a JWT (RFC 9068); other tokens are
/// opaque.
#[derive(Debug)]
pub struct OidcProvider {
    issuer: String,
    settings: Settings,
    keys: Value,
    child: Child,
}

/// The settings of an [`OidcProvider`].
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The lifetime of access tokens.
    pub access_token_life: Duration,
    /// The algorithm that signs JWTs: RS256, PS256, ES256, EdDSA or Ed25519.
    pub alg: &'static str,
    /// One in this many requests to the token endpoint fails with 503; none if 0.
    pub fail_one_in: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { access_token_life: Duration::from_secs(600), alg: "RS256", fail_one_in: 0 }
    }
}

impl OidcProvider {
    /// Starts a provider.
    ///
    /// # Panics
    /// When it can't be installed or started.
    pub async fn start(settings: Settings) -> Self {
        OidcProvider::start_at(settings, 0, Value::Null).await
    }

    #[allow(clippy::panic, reason = "a test fixture")]
    async fn start_at(settings: Settings, port: u16, keys: Value) -> Self {
        let task = json!({
            "access_token_life": settings.access_token_life.as_secs(),
            "alg": settings.alg,
            "fail_one_in": settings.fail_one_in,
            "port": port,
            "keys": keys,
        });
        let (child, output) = crate::ready(crate::node("provider.mjs").await, &task).await;
        match output.get("issuer").and_then(|issuer| issuer.as_str()) {
            Some(issuer) => OidcProvider {
                issuer: issuer.to_owned(),
                settings,
                keys: output.get("keys").cloned().unwrap_or_default(),
                child,
            },
            None => panic!("expected an issuer, found {output}"),
        }
    }

    /// Kills the provider. Its state except the keys is lost.
    ///
    /// # Panics
    /// When it can't be killed.
    #[allow(clippy::expect_used, reason = "a test fixture")]
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("a child can be killed");
    }

    /// Restarts the provider on the same port with the same keys.
    ///
    /// # Panics
    /// When it can't be started.
    pub async fn restart(&mut self) {
        let port = self.issuer.rsplit(':').next().and_then(|port| port.parse().ok());
        let again = OidcProvider::start_at(self.settings, port.unwrap_or(0), self.keys.clone());
        *self = again.await;
    }

    /// Creates new keys, which sign from now on. Older keys stay published.
    ///
    /// # Panics
    /// When it doesn't answer.
    pub async fn rotate(&mut self) {
        self.keys = post(&format!("{}/rotate", self.issuer), &[], None).await;
    }

    /// Publishes the newest keys alone.
    ///
    /// # Panics
    /// When it doesn't answer.
    pub async fn forget_older_keys(&mut self) {
        self.keys = post(&format!("{}/forget-older-keys", self.issuer), &[], None).await;
    }

    /// An access token that `client` requests for itself: a JWT for `resource`, or an opaque one.
    ///
    /// # Panics
    /// When it gets none.
    #[allow(clippy::expect_used, reason = "a test fixture")]
    pub async fn access_token(&self, client: &str, resource: Option<&str>) -> String {
        let mut form = vec![("grant_type", "client_credentials"), ("scope", "orders:read")];
        form.extend(resource.map(|resource| ("resource", resource)));
        let answer = post(&self.token_url(), &form, Some(client)).await;
        let token = answer.get("access_token").and_then(Value::as_str);
        token.expect("an access token").to_owned()
    }

    /// Revokes a token of `client`.
    ///
    /// # Panics
    /// When it can't be revoked.
    pub async fn revoke(&self, client: &str, token: &str) {
        post(&self.revocation_url(), &[("token", token)], Some(client)).await;
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

/// Posts a form and returns the response. It uses curl to be independent of the crate under test.
#[allow(clippy::panic, reason = "a test fixture")]
async fn post(url: &str, form: &[(&str, &str)], client: Option<&str>) -> Value {
    let mut curl = program("curl");
    curl.args(["--silent", "--show-error", "--fail", "--noproxy", "*", "--request", "POST"]);
    if let Some(client) = client {
        curl.args(["--user", &format!("{client}:{client}-secret")]);
    }
    for (name, value) in form {
        curl.arg("--data-urlencode").arg(format!("{name}={value}"));
    }
    match run("curl", ANSWER_LIMIT, curl.arg(url)).await {
        Ok(text) => serde_json::from_str(&text).unwrap_or_default(),
        Err(why) => panic!("{why}"),
    }
}
