//! Signed tokens of the provider.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinSet;
use tonic_guard::jwt::{Claims, JwtVerifier, RemoteKeys};
use tonic_guard_test::{Algorithm, SigningKey};

use super::*;

const INVALID: &str = "Unauthenticated JWT_TOKEN_INVALID";

/// A service that finds the provider's keys by its issuer.
async fn discovering(provider: &OidcProvider) -> Serving {
    let keys = RemoteKeys::discover(provider.issuer()).http_client(http());
    // Times that are short enough for a test.
    let keys = keys.cooldown(Duration::from_millis(100)).refresh_every(Duration::from_millis(500));
    let keys = keys.connect().await.unwrap();
    let tokens = JwtVerifier::<Claims>::access_tokens(provider.issuer(), AUDIENCE);
    Serving::bearers(tokens.build(keys)).await
}

/// The token with a signature of another key, and with its `kid` or another.
fn forged(token: &str, kid: Option<&str>) -> String {
    let part = |at| {
        let part = token.split('.').nth(at).unwrap();
        let bytes = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, part).unwrap();
        serde_json::from_slice::<serde_json::Value>(&bytes).unwrap()
    };
    let mut header = part(0);
    header["alg"] = "EdDSA".into();
    if let Some(kid) = kid {
        header["kid"] = kid.into();
    }
    let key = SigningKey::generate("forger", Algorithm::EdDSA);
    key.sign(&header.to_string(), &part(1).to_string())
}

#[tokio::test]
async fn tokens_of_every_algorithm_are_admitted_and_forged_ones_rejected() {
    for alg in ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"] {
        let provider = OidcProvider::start(Settings { alg, ..Settings::default() }).await;
        let serving = discovering(&provider).await;
        let token = provider.access_token("orders", Some(AUDIENCE)).await;
        let call = |token: String| {
            let serving = &serving;
            async move { within("a call", serving.bearer(&token)).await }
        };
        assert_eq!(call(token.clone()).await, orders(), "{alg}");
        let stock = provider.access_token("stock", Some(AUDIENCE)).await;
        assert_eq!(call(stock).await, Ok("stock".into()), "{alg}");
        let for_another_audience =
            provider.access_token("orders", Some("https://shop.example")).await;
        assert_eq!(call(for_another_audience).await, rejected(INVALID), "{alg}");
        let opaque = provider.access_token("orders", None).await;
        let malformed = "Unauthenticated CREDENTIALS_MALFORMED";
        assert_eq!(call(opaque).await, rejected(malformed), "{alg}");
        for kid in [None, Some("unknown")] {
            assert_eq!(call(forged(&token, kid)).await, rejected(INVALID), "{alg}");
        }
        let close = within("a call", serving.close(&token)).await;
        assert_eq!(close, rejected("PermissionDenied ACCESS_TOKEN_SCOPE_INSUFFICIENT"), "{alg}");
    }
}

/// Calls from several tasks, with a good token and a forged one, until the load ends.
struct Load {
    callers: JoinSet<usize>,
    ended: Arc<AtomicBool>,
}

impl Load {
    /// `rejected` lists the expected rejections of a forged token.
    fn begin(serving: &Arc<Serving>, good: &str, rejected: &'static [&'static str]) -> Load {
        let ended = Arc::new(AtomicBool::new(false));
        let mut callers = JoinSet::new();
        for at in 0..4 {
            let (serving, ended) = (Arc::clone(serving), Arc::clone(&ended));
            let forged = [forged(good, None), forged(good, Some(&format!("unknown-{at}")))];
            let good = good.to_owned();
            callers.spawn(async move {
                let mut calls = 0;
                while calls == 0 || !ended.load(Ordering::SeqCst) {
                    assert_eq!(within("a call", serving.bearer(&good)).await, orders());
                    for forged in &forged {
                        let rejection = within("a call", serving.bearer(forged)).await.unwrap_err();
                        assert!(rejected.contains(&&*rejection), "{rejection}");
                    }
                    calls += 1;
                }
                calls
            });
        }
        Load { callers, ended }
    }

    async fn end(mut self) {
        self.ended.store(true, Ordering::SeqCst);
        while let Some(calls) = within("the callers", self.callers.join_next()).await {
            assert!(calls.unwrap() > 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_succeed_while_the_provider_rotates_its_keys() {
    let mut provider = OidcProvider::start(Settings::default()).await;
    let serving = Arc::new(discovering(&provider).await);
    let first = provider.access_token("orders", Some(AUDIENCE)).await;
    let load = Load::begin(&serving, &first, &[INVALID]);
    for _ in 0..3 {
        provider.rotate().await;
        let next = provider.access_token("orders", Some(AUDIENCE)).await;
        eventually(&serving, &next, &orders()).await;
    }
    load.end().await;
    provider.forget_older_keys().await;
    eventually(&serving, &first, &rejected(INVALID)).await;
    let newest = provider.access_token("orders", Some(AUDIENCE)).await;
    eventually(&serving, &newest, &orders()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_succeed_while_the_provider_restarts() {
    let mut provider = OidcProvider::start(Settings::default()).await;
    let serving = Arc::new(discovering(&provider).await);
    let known = provider.access_token("orders", Some(AUDIENCE)).await;
    assert_eq!(within("a call", serving.bearer(&known)).await, orders());
    let load = Load::begin(&serving, &known, &[INVALID, UNAVAILABLE]);
    provider.kill().await;
    let unknown = forged(&known, Some("unknown"));
    eventually(&serving, &unknown, &rejected(UNAVAILABLE)).await;
    for _ in 0..20 {
        assert_eq!(within("a call", serving.bearer(&unknown)).await, rejected(UNAVAILABLE));
        assert_eq!(within("a call", serving.bearer(&known)).await, orders());
    }
    provider.restart().await;
    eventually(&serving, &unknown, &rejected(INVALID)).await;
    provider.rotate().await;
    let next = provider.access_token("orders", Some(AUDIENCE)).await;
    eventually(&serving, &next, &orders()).await;
    load.end().await;
}
