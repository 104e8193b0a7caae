//! Verifiers with several sources of keys.

use serde_json::json;
use tonic_guard::jwt::{Algorithm as Ours, Key, KeySource};

use super::*;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

async fn serve(publisher: &Publisher, keys: KeySource) -> Serving {
    let tokens = JwtVerifier::<Claims>::access_tokens(publisher.issuer.identifier(), AUDIENCE);
    Serving::bearers(tokens.build(keys)).await
}

fn signed_by_secret(publisher: &Publisher, secret: &[u8], kid: &str) -> String {
    let header = json!({"alg": "HS256", "typ": "at+jwt", "kid": kid}).to_string();
    let payload = publisher.issuer.access_token(AUDIENCE).payload();
    tonic_guard_test::sign_hs256(secret, &header, &payload)
}

/// Another publisher of keys for the same issuer.
async fn second_source() -> (Provider, SigningKey) {
    let (provider, key) =
        (Provider::start().await, SigningKey::generate("second", Algorithm::EdDSA));
    provider.reply(JWKS, Reply::Json(json!({"keys": [key.jwk()]}).to_string()));
    (provider, key)
}

fn lazy(provider: &Provider) -> KeySource {
    let http = http().timeout(Duration::from_secs(10)).build().unwrap();
    RemoteKeys::jwks(provider.url(JWKS)).http_client(http).lazy().unwrap().into()
}

#[tokio::test]
async fn secret_and_published_keys_verify_their_own_tokens() {
    let publisher = Publisher::start().await;
    let secret = Key::hs256(SECRET).unwrap().with_id("secret");
    let serving =
        serve(&publisher, KeySource::any_of([lazy(&publisher.provider), secret.into()])).await;
    assert_eq!(serving.bearer(&signed_by_secret(&publisher, SECRET, "secret")).await, ada());
    assert_eq!(publisher.provider.request_count(), 0, "the secret's tokens need no fetch");
    let token = publisher.token();
    assert_eq!(serving.bearer(&token).await, ada());
    assert_eq!(serving.bearer(&token).await, ada(), "from the cache");
    // A secret that everyone can read: the public key.
    let public = publisher.issuer.signing_key();
    for secret in [public.pem().into_bytes(), public.jwk().to_string().into_bytes()] {
        for kid in [public.id(), "secret"] {
            let forged = signed_by_secret(&publisher, &secret, kid);
            assert_eq!(serving.bearer(&forged).await, rejected(INVALID), "{kid}");
        }
    }
    assert_eq!(publisher.provider.request_count(), 1);
}

#[tokio::test]
async fn source_that_is_down_does_not_stop_the_tokens_of_another() {
    let publisher = Publisher::start().await;
    let (second, key) = second_source().await;
    // In both orders, because a source must not wait for the one before it.
    for first in [true, false] {
        publisher.provider.release();
        let mut sources = [lazy(&second), lazy(&publisher.provider)];
        if first {
            sources.reverse();
        }
        publisher.provider.hold();
        let serving = serve(&publisher, KeySource::any_of(sources)).await;
        let good = publisher.signed_by(&key, Some("second"));
        assert_eq!(within("the call", serving.bearer(&good)).await, ada(), "{first}");
        assert_eq!(within("the call", serving.bearer(&good)).await, ada(), "from the cache");
        let forged = publisher.forged("second");
        let outcome = within("the call", serving.bearer(&forged)).await;
        assert_eq!(outcome, rejected(INVALID), "{first}");
    }
}

#[tokio::test]
async fn kid_in_two_sources_is_tried_in_both() {
    let publisher = Publisher::start().await;
    let second = Provider::start().await;
    let same_id = publisher.issuer.signing_key();
    let other = SigningKey::generate(same_id.id(), Algorithm::EdDSA);
    second.reply(JWKS, Reply::Json(json!({"keys": [other.jwk()]}).to_string()));
    let sources = [lazy(&publisher.provider), lazy(&second)];
    let serving = serve(&publisher, KeySource::any_of(sources)).await;
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
    let token = publisher.signed_by(&other, Some(other.id()));
    assert_eq!(serving.bearer(&token).await, ada());
    assert_eq!(serving.bearer(&publisher.forged(other.id())).await, rejected(INVALID));
}

#[tokio::test]
async fn source_is_limited_to_its_algorithms() {
    let publisher = Publisher::start().await;
    let (second, key) = second_source().await;
    let sources = [lazy(&second).algorithms([Ours::ES256, Ours::RS256]), lazy(&publisher.provider)];
    let serving = serve(&publisher, KeySource::any_of(sources)).await;
    let token = publisher.signed_by(&key, Some("second"));
    assert_eq!(serving.bearer(&token).await, rejected(INVALID));
    assert_eq!(second.request_count(), 0, "a token of EdDSA never makes it fetch");
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
    // Each limit only narrows the one before.
    let none = lazy(&publisher.provider).algorithms([Ours::ES256]).algorithms([Ours::EdDSA]);
    for keys in [none, KeySource::any_of([])] {
        let serving = serve(&publisher, keys).await;
        assert_eq!(serving.bearer(&publisher.token()).await, rejected(INVALID));
    }
}
