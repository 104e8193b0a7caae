//! The keys that are accepted, and the key that verifies a token.

use serde_json::{Value, json};
use tonic_guard::jwt::{Algorithm as Ours, Claims, JwtVerifier, Key, KeyRejected, KeySet};
use tonic_guard_test::{Algorithm, Issuer, SigningKey};
use tonic_guard_verifier_tests::Serving;

use crate::{
    small_rsa::SMALL,
    support::{AUDIENCE, INVALID, ISSUER, base64url},
};

fn set(keys: impl IntoIterator<Item = Value>) -> Result<KeySet, KeyRejected> {
    KeySet::from_jwks(json!({"keys": keys.into_iter().collect::<Vec<_>>()}).to_string())
}

async fn serving(keys: KeySet) -> Serving {
    Serving::bearers(JwtVerifier::<Claims>::access_tokens(ISSUER, AUDIENCE).build(keys)).await
}

/// A good token, signed by `key` and naming `kid`.
fn token(key: &SigningKey, kid: Option<&str>) -> String {
    let mut header = json!({"alg": key.algorithm().to_string(), "typ": "at+jwt"});
    if let Some(kid) = kid {
        header["kid"] = kid.into();
    }
    key.sign(&header.to_string(), &Issuer::new(ISSUER).access_token(AUDIENCE).payload())
}

/// The JWK of `key` with these members added, replaced or, if null, removed.
fn with(key: &SigningKey, members: Value) -> Value {
    let mut jwk = key.jwk();
    for (name, value) in members.as_object().unwrap() {
        match value {
            Value::Null => jwk.as_object_mut().unwrap().remove(name),
            value => jwk.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    jwk
}

#[test]
fn set_without_a_usable_key_is_rejected() {
    for document in
        ["", "null", "[]", "{}", "{\"keys\":1}", "{\"keys\":{}}", "{\"keys\":[]", "<xml/>"]
    {
        assert_eq!(KeySet::from_jwks(document).unwrap_err(), KeyRejected::NotJwks, "{document}");
    }
    assert_eq!(set([]).unwrap_err(), KeyRejected::NoKeys);
    let ec = SigningKey::generate("k", Algorithm::ES256);
    let rsa = SigningKey::generate("k", Algorithm::RS256);
    let ed = SigningKey::generate("k", Algorithm::EdDSA);
    let small = |at: usize| json!({"kty": "RSA", "n": SMALL[at].n, "e": "AQAB"});
    let secret = |bytes: &[u8]| json!({"kty": "oct", "k": base64url(bytes)});
    let long_y = base64url([&[0][..], &[1; 32]].concat());
    for (name, jwk) in [
        ("no object", json!("key")),
        ("no kty", with(&ec, json!({"kty": null}))),
        ("another kty", with(&ec, json!({"kty": "ec"}))),
        ("kty of a secret", with(&ec, json!({"kty": "oct"}))),
        ("for encryption", with(&ec, json!({"use": "enc"}))),
        ("for something else", with(&ec, json!({"use": ""}))),
        ("key_ops without verify", with(&ec, json!({"key_ops": ["sign", "encrypt"]}))),
        ("no key_ops", with(&ec, json!({"key_ops": []}))),
        ("another alg", with(&ec, json!({"alg": "ES384"}))),
        ("an alg of another type", with(&rsa, json!({"alg": "HS256"}))),
        ("a curve's alg", with(&rsa, json!({"alg": "ES256"}))),
        ("an unknown alg", with(&ec, json!({"alg": "ES256K"}))),
        ("none", with(&rsa, json!({"alg": "none"}))),
        ("for encryption by alg", with(&rsa, json!({"alg": "RSA-OAEP"}))),
        ("an unknown curve", with(&ec, json!({"crv": "secp256k1"}))),
        ("another curve", with(&ec, json!({"crv": "P-384"}))),
        ("Ed448", with(&ed, json!({"crv": "Ed448"}))),
        ("X25519", with(&ed, json!({"crv": "X25519"}))),
        ("no y", with(&ec, json!({"y": null}))),
        ("a point that isn't on the curve", with(&ec, json!({"y": base64url([1; 32])}))),
        ("a point at zero", with(&ec, json!({"x": base64url([0; 32]), "y": base64url([0; 32])}))),
        ("a long y", with(&ec, json!({"y": long_y}))),
        ("a padded x", with(&ec, json!({"x": format!("{}=", ec.jwk()["x"].as_str().unwrap())}))),
        ("a short Ed25519 key", with(&ed, json!({"x": base64url([1; 31])}))),
        ("no n", with(&rsa, json!({"n": null}))),
        ("no e", with(&rsa, json!({"e": null}))),
        ("n of zero", with(&rsa, json!({"n": "AA"}))),
        ("e of zero", with(&rsa, json!({"e": "AA"}))),
        ("e of one", with(&rsa, json!({"e": "AQ"}))),
        ("an even e", with(&rsa, json!({"e": "BA"}))),
        ("RSA 512", small(0)),
        ("RSA 1024", small(1)),
        ("an empty secret", secret(b"")),
        ("a short secret", secret(&[7; 31])),
        ("a secret that is a PEM", secret(rsa.pem().as_bytes())),
        ("a secret for another alg", {
            let mut jwk = secret(&[7; 64]);
            jwk["alg"] = "ES512".into();
            jwk
        }),
        ("a short secret for HS512", {
            let mut jwk = secret(&[7; 63]);
            jwk["alg"] = "HS512".into();
            jwk
        }),
        ("a short secret for HS384", {
            let mut jwk = secret(&[7; 47]);
            jwk["alg"] = "HS384".into();
            jwk
        }),
    ] {
        assert_eq!(set([jwk]).unwrap_err(), KeyRejected::NoKeys, "{name}");
    }
}

#[tokio::test]
async fn unusable_key_does_not_affect_others() {
    let good = SigningKey::generate("good", Algorithm::ES256);
    let encrypts = SigningKey::generate("encrypts", Algorithm::ES256);
    let jwks = [
        with(&encrypts, json!({"use": "enc"})),
        json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "x"}),
        json!(1),
        json!({"kty": "RSA", "kid": "small", "n": SMALL[0].n, "e": "AQAB"}),
        good.jwk(),
    ];
    let serving = serving(set(jwks).unwrap()).await;
    assert_eq!(serving.bearer(&token(&good, Some("good"))).await, Ok("ada".into()));
    for kid in [Some("encrypts"), Some("good"), None] {
        assert_eq!(serving.bearer(&token(&encrypts, kid)).await, Err(INVALID.into()), "{kid:?}");
    }
    assert_eq!(serving.bearer(SMALL[0].token).await, Err(INVALID.into()));
}

#[tokio::test]
async fn small_rsa_key_is_rejected() {
    let good = SigningKey::generate("good", Algorithm::RS256);
    for small in &SMALL {
        assert_eq!(
            Key::from_pem(Ours::RS256, small.pem).unwrap_err(),
            KeyRejected::RsaSize,
            "{} bits",
            small.bits
        );
        let jwk = json!({"kty": "RSA", "kid": "small", "alg": "RS256", "n": small.n, "e": "AQAB"});
        let serving = serving(set([jwk, good.jwk()]).unwrap()).await;
        assert_eq!(serving.bearer(&token(&good, Some("good"))).await, Ok("ada".into()));
        assert_eq!(serving.bearer(small.token).await, Err(INVALID.into()), "{} bits", small.bits);
    }
}

#[tokio::test]
async fn kid_selects_the_key() {
    let one = SigningKey::generate("one", Algorithm::ES256);
    let two = SigningKey::generate("two", Algorithm::ES256);
    let serving = serving(set([one.jwk(), two.jwk()]).unwrap()).await;
    for (key, kid, expected) in [
        (&one, Some("one"), Ok("ada".to_owned())),
        (&two, Some("two"), Ok("ada".to_owned())),
        (&one, None, Ok("ada".to_owned())),
        (&two, None, Ok("ada".to_owned())),
        (&one, Some("two"), Err(INVALID.to_owned())),
        (&two, Some("one"), Err(INVALID.to_owned())),
        (&one, Some("three"), Err(INVALID.to_owned())),
        (&one, Some(""), Err(INVALID.to_owned())),
        (&one, Some("ONE"), Err(INVALID.to_owned())),
    ] {
        assert_eq!(serving.bearer(&token(key, kid)).await, expected, "{} as {kid:?}", key.id());
    }
}

#[tokio::test]
async fn key_without_an_id_is_tried_if_no_other_key_matches() {
    let named = SigningKey::generate("named", Algorithm::ES256);
    let unnamed = SigningKey::generate("unnamed", Algorithm::ES256);
    let jwks = [named.jwk(), with(&unnamed, json!({"kid": null}))];
    let serving = serving(set(jwks).unwrap()).await;
    for (key, kid, expected) in [
        (&unnamed, None, Ok("ada".to_owned())),
        (&unnamed, Some("anything"), Ok("ada".to_owned())),
        (&named, Some("named"), Ok("ada".to_owned())),
        (&unnamed, Some("named"), Err(INVALID.to_owned())),
        (&named, Some("anything"), Err(INVALID.to_owned())),
    ] {
        assert_eq!(serving.bearer(&token(key, kid)).await, expected, "{} as {kid:?}", key.id());
    }
}

/// Otherwise one token would cost as many signature checks as the issuer has keys.
#[tokio::test]
async fn token_without_a_kid_is_tried_against_at_most_eight_keys() {
    let keys: Vec<_> =
        (0..9).map(|at| SigningKey::generate(at.to_string(), Algorithm::EdDSA)).collect();
    let serving = serving(set(keys.iter().map(SigningKey::jwk)).unwrap()).await;
    for (at, key) in keys.iter().enumerate() {
        let expected = if at < 8 { Ok("ada".to_owned()) } else { Err(INVALID.to_owned()) };
        assert_eq!(serving.bearer(&token(key, None)).await, expected, "key {at}");
        assert_eq!(serving.bearer(&token(key, Some(key.id()))).await, Ok("ada".into()));
    }
}

#[test]
fn pem_holds_one_public_key_of_the_right_type() {
    let ec = SigningKey::generate("k", Algorithm::ES256).pem();
    let rsa = SigningKey::generate("k", Algorithm::RS256).pem();
    let ed = SigningKey::generate("k", Algorithm::EdDSA).pem();
    let relabelled = |label: &str| ec.replace("PUBLIC KEY", label);
    let body: String = ec.lines().filter(|line| !line.starts_with('-')).collect();
    for (algorithm, pem) in [
        (Ours::ES256, ec.clone()),
        (Ours::ES256, ec.replace('\n', "\r\n")),
        (Ours::ES256, format!("# a comment\n\n{ec}\n\n")),
        (Ours::RS256, rsa.clone()),
        (Ours::PS512, rsa.clone()),
        (Ours::EdDSA, ed.clone()),
    ] {
        assert!(Key::from_pem(algorithm, &pem).is_ok(), "{algorithm}: {pem}");
    }
    for (algorithm, pem, error) in [
        (Ours::ES384, ec.clone(), KeyRejected::Unreadable),
        (Ours::RS256, ec.clone(), KeyRejected::Unreadable),
        (Ours::EdDSA, ec.clone(), KeyRejected::Unreadable),
        (Ours::ES256, rsa.clone(), KeyRejected::Unreadable),
        (Ours::EdDSA, rsa.clone(), KeyRejected::Unreadable),
        (Ours::ES256, ed.clone(), KeyRejected::Unreadable),
        (Ours::HS256, rsa.clone(), KeyRejected::WrongAlgorithm),
        (Ours::ES256, String::new(), KeyRejected::NotPublic),
        (Ours::ES256, body, KeyRejected::NotPublic),
        (Ours::ES256, relabelled("PRIVATE KEY"), KeyRejected::NotPublic),
        (Ours::ES256, relabelled("EC PRIVATE KEY"), KeyRejected::NotPublic),
        (Ours::ES256, relabelled("CERTIFICATE"), KeyRejected::NotPublic),
        (Ours::ES256, format!("{ec}{ec}"), KeyRejected::MultipleKeys),
        (Ours::ES256, format!("{ec}{}", relabelled("PRIVATE KEY")), KeyRejected::MultipleKeys),
        (Ours::ES256, format!("{}{ec}", relabelled("PRIVATE KEY")), KeyRejected::MultipleKeys),
        (Ours::ES256, format!("{}{ec}", relabelled("CERTIFICATE")), KeyRejected::MultipleKeys),
        (Ours::ES256, format!("{ec}{}", relabelled("RSA PUBLIC KEY")), KeyRejected::MultipleKeys),
        (Ours::ES256, format!("{}{ec}", relabelled("RSA PUBLIC KEY")), KeyRejected::MultipleKeys),
        (Ours::ES256, ec.replace("-----END PUBLIC KEY-----", ""), KeyRejected::Unreadable),
        (Ours::ES256, ec.replacen('M', "*", 1), KeyRejected::Unreadable),
    ] {
        assert_eq!(Key::from_pem(algorithm, &pem).unwrap_err(), error, "{algorithm}: {pem}");
    }
}

#[test]
fn secret_is_long_and_not_a_public_key() {
    assert!(Key::hs256([0x30; 32]).is_ok());
    assert!(Key::hs256("0123456789abcdef0123456789abcdef").is_ok());
    for length in [0, 1, 16, 31] {
        assert_eq!(Key::hs256(vec![7; length]).unwrap_err(), KeyRejected::ShortSecret, "{length}");
    }
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        let pem = SigningKey::generate("k", algorithm).pem();
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, body).unwrap();
        for secret in [pem.clone().into_bytes(), format!("\n  {pem}\n").into_bytes(), der] {
            assert_eq!(Key::hs256(secret).unwrap_err(), KeyRejected::NotSecret, "{algorithm}");
        }
    }
}

/// `Debug` output contains no secret.
#[test]
fn debug_hides_keys() {
    let secret = "0123456789abcdef0123456789abcdef";
    let key = Key::hs256(secret).unwrap().with_id("the-id");
    let verifier: JwtVerifier<Claims> = JwtVerifier::access_tokens(ISSUER, AUDIENCE).build(key);
    let printed = format!("{verifier:?} {:?}", KeySet::from(Key::hs256(secret).unwrap()));
    assert!(printed.contains("the-id") && printed.contains("HS256"), "{printed}");
    assert!(!printed.contains(&secret[..8]), "{printed}");
}
