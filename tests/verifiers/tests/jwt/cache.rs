//! What the cache of verified tokens may not do: let in what a look at the signature wouldn't.

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

/// Claims that count how often a token was read: the cache reads none.
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
async fn a_verified_token_is_read_once() {
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
async fn one_setting_turns_it_off() {
    counted!(Counted, READS);
    let issuer = Issuer::new(ISSUER);
    let serving = serving::<Counted>(&issuer, |verifier| verifier.cache_bytes(0)).await;
    let token = issuer.access_token(AUDIENCE).sign();
    for _ in 0..3 {
        assert_eq!(serving.bearer(&token).await, Ok("ada".into()));
    }
    assert_eq!(READS.load(Ordering::SeqCst), 3);
}

/// A flood of bad tokens doesn't push out the good ones: only verified ones come in.
#[tokio::test]
async fn bad_tokens_dont_fill_it() {
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

/// It holds no more than it may: who asks for many tokens pushes out others, and that is all.
#[tokio::test]
async fn it_is_bounded() {
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

/// The whole token is compared: what finds an entry is no proof.
#[tokio::test]
async fn a_known_signature_under_other_claims_gets_nobody_in() {
    let fixture = Fixture::new().await;
    let good = fixture.token().sign();
    let parts: Vec<_> = good.split('.').collect();
    let other = fixture.token().subject("eve").scope("accounts:close").payload();
    let mut header = fixture.header();
    header["own"] = 1.into();
    // It is in the cache when these come.
    fixture.admits(&good).await;
    fixture
        .refuses(
            INVALID,
            [
                ("payload", format!("{}.{}.{}", parts[0], base64url(other), parts[2])),
                ("header", format!("{}.{}.{}", base64url(header.to_string()), parts[1], parts[2])),
            ],
        )
        .await;
}

#[tokio::test]
async fn it_serves_no_token_from_its_exp_and_the_skew_on() {
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
            Err(refusal) => {
                assert_eq!(refusal, EXPIRED);
                assert!(answered >= exp + 2, "answered {answered}, exp {exp}");
                break;
            }
        }
        assert!(Instant::now() < deadline, "it is served still");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn each_verifier_has_its_own() {
    let issuer = Issuer::new(ISSUER);
    let keys = || KeySet::from_jwks(issuer.jwks()).unwrap();
    let other = "https://other.example";
    let here =
        Serving::bearers(JwtVerifier::<Claims>::access_tokens(ISSUER, AUDIENCE).build(keys()));
    let there = Serving::bearers(JwtVerifier::<Claims>::access_tokens(ISSUER, other).build(keys()));
    let (here, there) = (here.await, there.await);
    let ours = issuer.access_token(AUDIENCE).sign();
    let theirs = issuer.access_token(other).sign();
    let both = issuer.access_token(AUDIENCE).claim("aud", json!([AUDIENCE, other])).sign();
    for _ in 0..2 {
        assert_eq!(here.bearer(&ours).await, Ok("ada".into()));
        assert_eq!(there.bearer(&ours).await, Err(INVALID.into()));
        assert_eq!(there.bearer(&theirs).await, Ok("ada".into()));
        assert_eq!(here.bearer(&theirs).await, Err(INVALID.into()));
        assert_eq!(here.bearer(&both).await, Ok("ada".into()));
        assert_eq!(there.bearer(&both).await, Ok("ada".into()));
    }
}

/// What a token grants is asked of each call, also of one whose token is known.
#[tokio::test]
async fn scopes_are_judged_per_call() {
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
async fn two_clients_of_one_cache_keep_their_names() {
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
                let request = tonic_guard_tests::request(
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

/// Waits for `done`, or fails when it takes longer than anything should.
async fn until<F: Future<Output = bool>>(what: &str, mut done: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done().await {
        assert!(Instant::now() < deadline, "{what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// A signature is checked, then its key is removed, then the token comes into the cache.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rotation_between_the_check_and_the_cache_brings_no_key_back() {
    static VERIFIED: AtomicBool = AtomicBool::new(false);
    static GO_ON: AtomicBool = AtomicBool::new(false);

    /// Claims are read between the two: `eve`'s wait there.
    #[derive(Clone)]
    struct Held(Claims);

    impl<'de> Deserialize<'de> for Held {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let claims = Claims::deserialize(deserializer)?;
            if claims.subject() == Some("eve") {
                VERIFIED.store(true, Ordering::SeqCst);
                let deadline = std::time::Instant::now() + Duration::from_secs(60);
                while !GO_ON.load(Ordering::SeqCst) && std::time::Instant::now() < deadline {
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
    // Once the new key is known, the old one is gone.
    let new = issuer.access_token(AUDIENCE).sign();
    until("the keys are fetched", || async { serving.bearer(&new).await.is_ok() }).await;

    GO_ON.store(true, Ordering::SeqCst);
    assert_eq!(call.await.unwrap(), Ok("eve".into()), "it was checked while its key was good");
    for _ in 0..3 {
        assert_eq!(serving.bearer(&old).await, Err(INVALID.into()));
    }
    assert_eq!(serving.bearer(&new).await, Ok("ada".into()));
}
