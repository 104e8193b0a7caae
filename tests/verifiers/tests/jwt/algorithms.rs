//! Every algorithm is accepted with its key, and with no other.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::json;
use tonic_guard::jwt::{Claims, JwtVerifier, Key, KeySet};
use tonic_guard_test::{Algorithm, Issuer, sign_hs256};
use tonic_guard_verifier_tests::Serving;

use crate::support::{AUDIENCE, Fixture, INVALID, ISSUER, base64url};

fn to_library(algorithm: Algorithm) -> tonic_guard::jwt::Algorithm {
    use tonic_guard::jwt::Algorithm as Ours;

    match algorithm {
        Algorithm::RS256 => Ours::RS256,
        Algorithm::RS384 => Ours::RS384,
        Algorithm::RS512 => Ours::RS512,
        Algorithm::PS256 => Ours::PS256,
        Algorithm::PS384 => Ours::PS384,
        Algorithm::PS512 => Ours::PS512,
        Algorithm::ES256 => Ours::ES256,
        Algorithm::ES384 => Ours::ES384,
        Algorithm::EdDSA => Ours::EdDSA,
        other => panic!("{other}"),
    }
}

async fn serving(keys: KeySet) -> Serving {
    Serving::bearers(JwtVerifier::<Claims>::access_tokens(ISSUER, AUDIENCE).build(keys)).await
}

#[tokio::test]
async fn each_algorithm_is_accepted_by_jwk_and_by_pem() {
    for algorithm in Algorithm::ALL {
        let issuer = Issuer::with_algorithm(ISSUER, algorithm);
        let token = issuer.access_token(AUDIENCE).sign();
        let jwks = serving(KeySet::from_jwks(issuer.jwks()).unwrap()).await;
        assert_eq!(jwks.bearer(&token).await, Ok("ada".into()), "{algorithm} by JWK");
        let pem = Key::from_pem(to_library(algorithm), issuer.signing_key().pem()).unwrap();
        let pem = serving(pem.into()).await;
        assert_eq!(pem.bearer(&token).await, Ok("ada".into()), "{algorithm} by PEM");
        // A key without an id serves a token without one.
        let header = json!({"alg": algorithm.to_string(), "typ": "at+jwt"}).to_string();
        let payload = issuer.access_token(AUDIENCE).payload();
        let unnamed = issuer.signing_key().sign(&header, &payload);
        assert_eq!(pem.bearer(&unnamed).await, Ok("ada".into()), "{algorithm} unnamed");
    }
}

#[tokio::test]
async fn rsa_key_accepts_only_its_algorithm() {
    let is_rsa = |name: &str| name.starts_with("RS") || name.starts_with("PS");
    let rsa: Vec<_> = Algorithm::ALL.into_iter().filter(|one| is_rsa(&one.to_string())).collect();
    assert_eq!(rsa.len(), 6, "{rsa:?}");
    for algorithm in rsa.iter().copied() {
        let issuer = Issuer::with_algorithm(ISSUER, algorithm);
        let token = issuer.access_token(AUDIENCE).sign();
        for other in rsa.iter().copied() {
            let mut jwk = issuer.signing_key().jwk();
            jwk["alg"] = other.to_string().into();
            let bound = KeySet::from_jwks(json!({"keys": [jwk]}).to_string()).unwrap();
            let pem = Key::from_pem(to_library(other), issuer.signing_key().pem()).unwrap();
            let expected = if algorithm == other { Ok("ada".into()) } else { Err(INVALID.into()) };
            for keys in [bound, pem.into()] {
                let outcome = serving(keys).await.bearer(&token).await;
                assert_eq!(outcome, expected, "{algorithm} with a key for {other}");
            }
        }
        // A key may name no algorithm, as with some issuers.
        let mut jwk = issuer.signing_key().jwk();
        jwk.as_object_mut().unwrap().remove("alg");
        let free = KeySet::from_jwks(json!({"keys": [jwk]}).to_string()).unwrap();
        assert_eq!(serving(free).await.bearer(&token).await, Ok("ada".into()), "{algorithm}");
    }
}

#[tokio::test]
async fn ed25519_is_an_alias_of_eddsa() {
    let issuer = Issuer::with_algorithm(ISSUER, Algorithm::EdDSA);
    for key in ["EdDSA", "Ed25519"] {
        let mut jwk = issuer.signing_key().jwk();
        jwk["alg"] = key.into();
        let serving = serving(KeySet::from_jwks(json!({"keys": [jwk]}).to_string()).unwrap()).await;
        for token in ["EdDSA", "Ed25519"] {
            let token = issuer.access_token(AUDIENCE).header("alg", token).sign();
            assert_eq!(serving.bearer(&token).await, Ok("ada".into()));
        }
        for token in ["Ed448", "eddsa", "ed25519", "ES256"] {
            let token = issuer.access_token(AUDIENCE).header("alg", token).sign();
            assert_eq!(serving.bearer(&token).await, Err(INVALID.into()));
        }
    }
}

#[tokio::test]
async fn unlisted_algorithm_is_rejected() {
    use tonic_guard::jwt::Algorithm as Ours;

    for (listed, expected) in [
        (vec![Ours::ES256], Ok("ada".to_owned())),
        (vec![Ours::RS256, Ours::ES256], Ok("ada".to_owned())),
        (vec![Ours::RS256, Ours::ES384], Err(INVALID.to_owned())),
        (vec![], Err(INVALID.to_owned())),
    ] {
        let issuer = Issuer::new(ISSUER);
        let keys = KeySet::from_jwks(issuer.jwks()).unwrap();
        let verifier: JwtVerifier<Claims> =
            JwtVerifier::access_tokens(ISSUER, AUDIENCE).algorithms(listed.clone()).build(keys);
        let outcome =
            Serving::bearers(verifier).await.bearer(&issuer.access_token(AUDIENCE).sign()).await;
        assert_eq!(outcome, expected, "{listed:?}");
    }
}

#[tokio::test]
async fn token_of_the_shared_secret_is_admitted() {
    let secret = b"0123456789abcdef0123456789abcdef";
    let jwk = json!({"kty": "oct", "k": BASE64_URL_SAFE_NO_PAD.encode(secret), "alg": "HS256"});
    let jwks = KeySet::from_jwks(json!({"keys": [jwk]}).to_string()).unwrap();
    for keys in [Key::hs256(secret).unwrap().into(), jwks] {
        let serving = serving(keys).await;
        let payload = Issuer::new(ISSUER).access_token(AUDIENCE).payload();
        let header = r#"{"alg":"HS256","typ":"at+jwt"}"#;
        let good = sign_hs256(secret, header, &payload);
        assert_eq!(serving.bearer(&good).await, Ok("ada".into()));
        let message = good.rsplit_once('.').unwrap().0;
        for (name, token) in [
            ("another secret", sign_hs256(b"0123456789abcdef0123456789abcdeg", header, &payload)),
            ("an empty secret", sign_hs256(b"", header, &payload)),
            ("a prefix", sign_hs256(&secret[..31], header, &payload)),
            ("HS384", sign_hs256(secret, r#"{"alg":"HS384","typ":"at+jwt"}"#, &payload)),
            ("none", format!("{message}.")),
            ("zeros", format!("{message}.{}", base64url([0; 32]))),
            ("cut", good[..good.len() - 2].to_owned() + "A"),
        ] {
            let outcome = serving.bearer(&token).await.unwrap_err();
            assert!(outcome.starts_with("Unauthenticated "), "{name}: {outcome}");
        }
        let cut = &good[message.len() + 1..];
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cut).unwrap();
        for length in [0, 1, 16, 31] {
            let token = format!("{message}.{}", base64url(&bytes[..length]));
            assert_eq!(serving.bearer(&token).await, Err(INVALID.into()), "{length} bytes");
        }
    }
}

#[tokio::test]
async fn key_of_another_curve_is_rejected() {
    for (algorithm, other) in [
        (Algorithm::ES256, Algorithm::ES384),
        (Algorithm::ES384, Algorithm::ES256),
        (Algorithm::EdDSA, Algorithm::ES256),
        (Algorithm::ES256, Algorithm::EdDSA),
        (Algorithm::RS256, Algorithm::ES256),
        (Algorithm::ES256, Algorithm::RS256),
    ] {
        let fixture = Fixture::of(Issuer::with_algorithm(ISSUER, algorithm), |set| set).await;
        let of_other_type = Issuer::with_algorithm(ISSUER, other).access_token(AUDIENCE).sign();
        fixture.rejects(INVALID, [((algorithm, other), of_other_type)]).await;
    }
}
