//! Header members that are rejected, and members that are ignored.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{net::TcpListener, time::timeout};
use tonic_guard_test::{Algorithm, Issuer, SigningKey, sign_hs256};

use crate::support::{Fixture, INVALID, ISSUER, MALFORMED, base64url};

/// The good header with these members added or replaced.
fn with(fixture: &Fixture, members: Value) -> String {
    let mut header = fixture.header();
    for (name, value) in members.as_object().unwrap() {
        header[name] = value.clone();
    }
    header.to_string()
}

#[tokio::test]
async fn only_the_algorithm_of_the_key_is_accepted() {
    let fixture = Fixture::new().await;
    let payload = fixture.token().payload();
    let mut tokens = Vec::new();
    for alg in
        ["none", "NoNe", "NONE", "None", "", " none", "es256", "ES256 ", "ES384", "HS256", "RS256"]
    {
        tokens.push((alg, fixture.sign(&with(&fixture, json!({ "alg": alg })), &payload)));
    }
    let mut header = fixture.header();
    header.as_object_mut().unwrap().remove("alg");
    tokens.push(("absent", fixture.sign(&header.to_string(), &payload)));
    // Unsigned tokens, as `none` intends.
    for alg in ["none", "NoNe", "ES256"] {
        let header = base64url(with(&fixture, json!({ "alg": alg })));
        tokens.push(("unsigned", format!("{header}.{}.", base64url(&payload))));
    }
    fixture.rejects(INVALID, tokens).await;
    let tokens = [json!(1), json!(null), json!(["ES256"]), json!({"a": "ES256"})].map(|alg| {
        let header = with(&fixture, json!({ "alg": alg }));
        (header.clone(), fixture.sign(&header, &payload))
    });
    fixture.rejects(MALFORMED, tokens).await;
}

/// Anyone with the public key could sign such tokens if the token chose the algorithm.
#[tokio::test]
async fn public_key_is_rejected_as_an_hmac_secret() {
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        let issuer = Issuer::with_algorithm(ISSUER, algorithm);
        let fixture = Fixture::of(issuer, |verifier| verifier).await;
        let payload = fixture.token().payload();
        let header = with(&fixture, json!({"alg": "HS256"}));
        let key = fixture.issuer.signing_key();
        let pem = key.pem();
        let der: String = pem.lines().filter(|line| !line.starts_with("---")).collect();
        let der = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, der).unwrap();
        let jwk = key.jwk();
        let number = jwk["x"].as_str().or(jwk["n"].as_str()).unwrap();
        let secrets = [
            pem.clone().into_bytes(),
            pem.trim_end().into(),
            format!("{pem}\n").into_bytes(),
            format!("\n{pem}").into_bytes(),
            pem.replace('\n', "\r\n").into_bytes(),
            der,
            jwk.to_string().into_bytes(),
            number.into(),
        ];
        let tokens = secrets.map(|secret| (secret.len(), sign_hs256(&secret, &header, &payload)));
        fixture.rejects(INVALID, tokens).await;
    }
}

#[tokio::test]
async fn critical_extensions_are_rejected() {
    let fixture = Fixture::new().await;
    let payload = fixture.token().payload();
    let tokens = [
        json!({"crit": ["exp"], "exp": 4102444800u64}),
        json!({"crit": ["b64"], "b64": true}),
        json!({"crit": ["b64"], "b64": false}),
        json!({"crit": ["urn:example:unknown"], "urn:example:unknown": 1}),
        json!({"crit": ["urn:example:absent"]}),
        json!({"crit": ["alg"]}),
        json!({"crit": ["x", "x"], "x": 1}),
        json!({"crit": []}),
        json!({"crit": {}}),
        json!({"crit": "exp"}),
        json!({"crit": null}),
        json!({"crit": [1]}),
        json!({"b64": true}),
        json!({"b64": false}),
    ]
    .map(|members| (members.to_string(), fixture.sign(&with(&fixture, members), &payload)));
    fixture.rejects(INVALID, tokens).await;
    // Other unknown members are ignored.
    fixture
        .admits(&fixture.sign(&with(&fixture, json!({"own": [1, {"a": null}]})), &payload))
        .await;
}

#[tokio::test]
async fn keys_in_a_token_are_ignored() {
    let fixture = Fixture::new().await;
    let payload = fixture.token().payload();
    let evil = SigningKey::generate("evil", Algorithm::ES256);
    let mut jwk = evil.jwk();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    let mut tokens = Vec::new();
    for kid in ["evil", "key-1", "", "../../../../dev/null", "/proc/self/environ", "' OR 1=1 --"] {
        jwk["kid"] = kid.into();
        for members in [
            json!({"kid": kid}),
            json!({"kid": kid, "jwk": jwk}),
            json!({"kid": kid, "jku": url, "x5u": url}),
            json!({"kid": kid, "x5c": ["MIIB"], "x5t": "x", "x5t#S256": "x"}),
        ] {
            let token = evil.sign(&with(&fixture, members.clone()), &payload);
            tokens.push((members.to_string(), token));
        }
        let mut header = fixture.header();
        header["jwk"] = jwk.clone();
        header.as_object_mut().unwrap().remove("kid");
        tokens.push(("no kid".to_owned(), evil.sign(&header.to_string(), &payload)));
    }
    fixture.rejects(INVALID, tokens).await;
    // In a token of the right key they are ignored, and no request is sent.
    let token = with(&fixture, json!({"jku": url, "x5u": url, "jwk": jwk, "x5c": ["MIIB"]}));
    fixture.admits(&fixture.sign(&token, &payload)).await;
    let asked = timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(asked.is_err(), "a request was sent to {url}");
}

#[tokio::test]
async fn kid_that_is_not_a_string_is_malformed() {
    let fixture = Fixture::new().await;
    let payload = fixture.token().payload();
    let tokens = [json!(1), json!(null), json!(["key-1"]), json!({}), json!(true)].map(|kid| {
        let header = with(&fixture, json!({ "kid": kid }));
        (header.clone(), fixture.sign(&header, &payload))
    });
    fixture.rejects(MALFORMED, tokens).await;
}
