//! The cache of verified tokens: it never admits a token that verification would reject.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Deserializer};
use serde_json::json;
use tokio::time::{Instant, sleep};
use tonic_guard::{
    HasScopes,
    http_client::HttpClient,
    jwt::{Claims, JwtVerifier, JwtVerifierBuilder, KeySet, RemoteKeys},
};
use tonic_guard_test::{Algorithm, Issuer};
use tonic_guard_verifier_tests::{Named, Serving};

use crate::support::{AUDIENCE, EXPIRED, Fixture, INVALID, ISSUER, base64url, now};

/// Claims that count how often a token is deserialized: a cache hit deserializes none.
macro_rules! counted {
    ($name:ident, $reads:ident) => {
        static $reads: AtomicUsize = AtomicUsize::new(0);

        #[derive(Clone)]
        struct $name(Claims);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $reads.fetch_add(1, Ordering::SeqCst);
                Claims::deserialize(deserializer).map($name)
            }
        }

        impl HasScopes for $name {
            fn has_scope(&self, scope: &str) -> bool {
                self.0.has_scope(scope)
            }
        }

        impl Named for $name {
            fn name(&self) -> String {
                self.0.name()
            }
        }
    };
}

async fn serving<C>(
    issuer: &Issuer,
    set: impl FnOnce(JwtVerifierBuilder<C>) -> JwtVerifierBuilder<C>,
) -> Serving
where
    C: serde::de::DeserializeOwned + Clone + Send + Sync + 'static + Named + HasScopes,
{
    let keys = KeySet::from_jwks(issuer.jwks()).unwrap();
    Serving::bearers(set(JwtVerifier::access_tokens(ISSUER, AUDIENCE)).build(keys)).await
}

#[tokio::test]
async fn verified_token_is_deserialized_once() {
    counted!(Counted, READS);
    let issuer = Issuer::new(ISSUER);
    let serving = serving::<Counted>(&issuer, |verifier| verifier).await;
    let (one, two) = (issuer.access_token(AUDIENCE), issuer.access_token(AUDIENCE).subject("eve"));
    let (one, two) = (one.sign(), two.sign());
    for _ in 0..3 {
        assert_eq!(serving.bearer(&one).await, Ok("ada".into()));
        assert_eq!(serving.bearer(&two).await, Ok("eve".into()));
    }
    assert_eq!(READS.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn cache_of_zero_bytes_is_off() {
    counted!(Counted, READS);
    let issuer = Issuer::new(ISSUER);
    let serving = serving::<Counted>(&issuer, |verifier| verifier.cache_bytes(0)).await;
    let token = issuer.access_token(AUDIENCE).sign();
    for _ in 0..3 {
        assert_eq!(serving.bearer(&token).await, Ok("ada".into()));
    }
    assert_eq!(READS.load(Ordering::SeqCst), 3);
}

/// Bad tokens don't evict good ones, because only verified tokens are stored.
#[tokio::test]
async fn bad_tokens_are_not_stored() {
    counted!(Counted, READS);
    let issuer = Issuer::new(ISSUER);
    let serving = serving::<Counted>(&issuer, |verifier| verifier.cache_bytes(64 * 1024)).await;
    let good = issuer.access_token(AUDIENCE).sign();
    assert_eq!(serving.bearer(&good).await, Ok("ada".into()));
    let other = Issuer::new(ISSUER);
    for _ in 0..300 {
        let forged = other.access_token(AUDIENCE).sign();
        assert_eq!(serving.bearer(&forged).await, Err(INVALID.into()));
        assert_eq!(serving.bearer(&forged).await, Err(INVALID.into()), "a second time");
    }
    assert_eq!(serving.bearer(&good).await, Ok("ada".into()));
    assert_eq!(READS.load(Ordering::SeqCst), 1);
}

/// The cache keeps its size limit: many tokens evict others.
#[tokio::test]
async fn cache_is_bounded() {
    counted!(Counted, READS);
    let issuer = Issuer::new(ISSUER);
    let serving = serving::<Counted>(&issuer, |verifier| verifier.cache_bytes(16 * 1024)).await;
    let tokens: Vec<_> = (0..100).map(|_| issuer.access_token(AUDIENCE).sign()).collect();
    for token in tokens.iter().chain(&tokens) {
        assert_eq!(serving.bearer(token).await, Ok("ada".into()));
    }
    let reads = READS.load(Ordering::SeqCst);
    assert!(reads > 180, "100 tokens of a kilobyte fit into 16: {reads} reads");
}

/// The whole token is compared, not just the key of the cache entry.
#[tokio::test]
async fn known_signature_with_other_claims_is_rejected() {
    let fixture = Fixture::new().await;
    let good = fixture.token().sign();
    let parts: Vec<_> = good.split('.').collect();
    let other = fixture.token().subject("eve").scope("accounts:close").payload();
    let mut header = fixture.header();
    header["own"] = 1.into();
    // The good token is in the cache when these arrive.
    fixture.admits(&good).await;
    fixture
        .rejects(
            INVALID,
            [
                ("payload", format!("{}.{}.{}", parts[0], base64url(other), parts[2])),
                ("header", format!("{}.{}.{}", base64url(header.to_string()), parts[1], parts[2])),
            ],
        )
        .await;
}

#[tokio::test]
async fn cached_token_expires_at_exp_plus_clock_skew() {
    let issuer = Issuer::new(ISSUER);
    let skew = Duration::from_secs(2);
    let serving = serving::<Claims>(&issuer, |verifier| verifier.clock_skew(skew)).await;
    let exp = now() + 1;
    let token = issuer.access_token(AUDIENCE).claim("exp", exp).sign();
    assert_eq!(serving.bearer(&token).await, Ok("ada".into()));
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let asked = now();
        let outcome = serving.bearer(&token).await;
        let answered = now();
        match outcome {
            Ok(_) => assert!(asked < exp + 2, "asked {asked}, exp {exp}"),
            Err(rejection) => {
                assert_eq!(rejection, EXPIRED);
                assert!(answered >= exp + 2, "answered {answered}, exp {exp}");
                break;
            }
        }
        assert!(Instant::now() < deadline, "the cache still serves it");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn each_verifier_has_a_separate_cache() {
    let issuer = Issuer::new(ISSUER);
    let keys = || KeySet::from_jwks(issuer.jwks()).unwrap();
    let other = "https://other.example";
    let first =
        Serving::bearers(JwtVerifier::<Claims>::access_tokens(ISSUER, AUDIENCE).build(keys()));
    let second =
        Serving::bearers(JwtVerifier::<Claims>::access_tokens(ISSUER, other).build(keys()));
    let (first, second) = (first.await, second.await);
    let of_first = issuer.access_token(AUDIENCE).sign();
    let of_second = issuer.access_token(other).sign();
    let of_both = issuer.access_token(AUDIENCE).claim("aud", json!([AUDIENCE, other])).sign();
    for _ in 0..2 {
        assert_eq!(first.bearer(&of_first).await, Ok("ada".into()));
        assert_eq!(second.bearer(&of_first).await, Err(INVALID.into()));
        assert_eq!(second.bearer(&of_second).await, Ok("ada".into()));
        assert_eq!(first.bearer(&of_second).await, Err(INVALID.into()));
        assert_eq!(first.bearer(&of_both).await, Ok("ada".into()));
        assert_eq!(second.bearer(&of_both).await, Ok("ada".into()));
    }
}

/// Scopes are checked per call, also if the token is cached.
#[tokio::test]
async fn scopes_are_checked_per_call() {
    let fixture = Fixture::new().await;
    let (reads, closes) = (
        fixture.token().scope("accounts:read").sign(),
        fixture.token().scope("accounts:close").sign(),
    );
    for _ in 0..2 {
        fixture.admits(&reads).await;
        let lacking = "PermissionDenied ACCESS_TOKEN_SCOPE_INSUFFICIENT";
        assert_eq!(fixture.serving.close(&reads).await, Err(lacking.into()));
        assert_eq!(fixture.serving.close(&closes).await, Ok("ada".into()));
    }
}

#[tokio::test]
async fn callers_in_one_cache_keep_their_identities() {
    let fixture = Fixture::new().await;
    let fixture = &fixture;
    let names: Vec<_> = (0..50).map(|at| format!("user-{at}")).collect();
    let tokens: Vec<_> = names.iter().map(|name| fixture.token().subject(name).sign()).collect();
    let mut calls = tokio::task::JoinSet::new();
    for round in 0..10 {
        for at in 0..names.len() {
            let at = (at * 7 + round) % names.len();
            let (mut client, token) = (fixture.serving.client(), tokens[at].clone());
            calls.spawn(async move {
                let header = format!("Bearer {token}");
                let request = tonic_guard_suite_support::request(
                    tonic_guard_verifier_tests::pb::Void {},
                    &[("authorization", &header)],
                );
                (at, client.whoami(request).await.map(|answer| answer.into_inner().name))
            });
        }
    }
    while let Some(call) = calls.join_next().await {
        let (at, name) = call.unwrap();
        assert_eq!(name.unwrap(), names[at]);
    }
}

/// Waits for `done`, and fails after a minute.
async fn until<F: Future<Output = bool>>(what: &str, mut done: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done().await {
        assert!(Instant::now() < deadline, "{what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// The signature is verified, then its key is removed, then the token is stored in the cache.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn token_whose_key_is_removed_before_it_is_cached_is_rejected() {
    static VERIFIED: AtomicBool = AtomicBool::new(false);
    static RESUME: AtomicBool = AtomicBool::new(false);

    /// Claims are deserialized between verification and storage: `eve`'s wait there.
    #[derive(Clone)]
    struct Held(Claims);

    impl<'de> Deserialize<'de> for Held {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let claims = Claims::deserialize(deserializer)?;
            if claims.subject() == Some("eve") {
                VERIFIED.store(true, Ordering::SeqCst);
                let deadline = std::time::Instant::now() + Duration::from_secs(60);
                while !RESUME.load(Ordering::SeqCst) && std::time::Instant::now() < deadline {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            Ok(Held(claims))
        }
    }

    impl HasScopes for Held {
        fn has_scope(&self, scope: &str) -> bool {
            self.0.has_scope(scope)
        }
    }

    impl Named for Held {
        fn name(&self) -> String {
            self.0.name()
        }
    }

    let issuer = Issuer::serve(Algorithm::EdDSA).await.unwrap();
    let http = HttpClient::builder().allow_http_on_loopback().build().unwrap();
    let keys = RemoteKeys::discover(issuer.identifier())
        .http_client(http)
        .cooldown(Duration::from_millis(10))
        .refresh_every(Duration::from_millis(50))
        .connect()
        .await
        .unwrap();
    assert_eq!(issuer.key_fetches(), 1);
    let verifier = JwtVerifier::<Held>::access_tokens(issuer.identifier(), AUDIENCE).build(keys);
    let serving = Arc::new(Serving::bearers(verifier).await);

    let old = issuer.access_token(AUDIENCE).subject("eve").sign();
    let call = tokio::spawn({
        let (serving, old) = (Arc::clone(&serving), old.clone());
        async move { serving.bearer(&old).await }
    });
    until("the signature is checked", || async { VERIFIED.load(Ordering::SeqCst) }).await;
    issuer.rotate();
    issuer.forget_older_keys();
    // Once the new key is known, the old one is removed.
    let new = issuer.access_token(AUDIENCE).sign();
    until("the keys are fetched", || async { serving.bearer(&new).await.is_ok() }).await;

    RESUME.store(true, Ordering::SeqCst);
    assert_eq!(call.await.unwrap(), Ok("eve".into()), "it was verified while its key was trusted");
    for _ in 0..3 {
        assert_eq!(serving.bearer(&old).await, Err(INVALID.into()));
    }
    assert_eq!(serving.bearer(&new).await, Ok("ada".into()));
}
