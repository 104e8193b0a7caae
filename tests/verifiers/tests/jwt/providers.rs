//! The tokens of identity providers in their documented shapes, with made-up claims.
//!
//! Each row has the verifier that the manual names for the provider, a token that it accepts, and changes of
//! that token that it rejects. Every row must also reject what no verifier may accept.

mod rows;
mod tenants;

use serde_json::{Value, json};
use tonic_guard::jwt::{Claims, JwtVerifierBuilder, KeySet};
use tonic_guard_test::{Algorithm, SigningKey, sign_hs256};
use tonic_guard_verifier_tests::Serving;

use self::rows::rows;
use crate::support::{EXPIRED, INVALID, base64url, now, verify};

/// One provider's token, and the verifier for it.
pub(crate) struct Row {
    pub(crate) provider: &'static str,
    pub(crate) verifier: JwtVerifierBuilder<Claims>,
    pub(crate) header: Value,
    pub(crate) claims: Value,
    /// The verifier checks `aud`, and the token has one.
    pub(crate) checks_audience: bool,
    /// Claims that replace those of the token, where `null` removes one. Each is accepted.
    pub(crate) accepted: Vec<(&'static str, Value)>,
    /// The same, rejected. A member `typ!` replaces the `typ` of the header.
    pub(crate) rejected: Vec<(&'static str, Value)>,
}

pub(crate) fn signer() -> SigningKey {
    SigningKey::generate("2026-11", Algorithm::ES256)
}

/// The claims and the header with this change.
fn changed(row: &Row, change: &Value) -> (Value, Value) {
    let (mut header, mut claims) = (row.header.clone(), row.claims.clone());
    for (name, value) in change.as_object().unwrap() {
        let (target, name) = match name.strip_suffix('!') {
            Some(name) => (&mut header, name),
            None => (&mut claims, &**name),
        };
        let target = target.as_object_mut().unwrap();
        if value.is_null() {
            target.remove(name);
        } else {
            target.insert(name.to_owned(), value.clone());
        }
    }
    (header, claims)
}

fn sign(key: &SigningKey, header: &Value, claims: &Value) -> String {
    let mut header = header.clone();
    header["alg"] = json!(key.algorithm().to_string());
    header["kid"] = json!(key.id());
    let mut claims = claims.clone();
    let dates = claims.as_object_mut().unwrap();
    for (name, date) in [("iat", now()), ("exp", now() + 300)] {
        if dates.get(name) == Some(&json!("now")) {
            dates.insert(name.into(), json!(date));
        }
    }
    key.sign(&header.to_string(), &claims.to_string())
}

fn keys(key: &SigningKey) -> KeySet {
    KeySet::from_jwks(json!({"keys": [key.jwk()]}).to_string()).unwrap()
}

/// Tokens, each with a name.
type Tokens = Vec<(String, String)>;

/// The tokens that this row must accept and those that it must reject.
fn tokens(row: &Row, key: &SigningKey) -> (Tokens, Tokens) {
    let sign_changed = |change: &Value| {
        let (header, claims) = changed(row, change);
        sign(key, &header, &claims)
    };
    let list = |changes: &[(&str, Value)]| -> Vec<_> {
        changes.iter().map(|(name, change)| (name.to_string(), sign_changed(change))).collect()
    };
    let mut accepted = list(&row.accepted);
    accepted.push(("unchanged".into(), sign_changed(&json!({}))));
    let mut rejected = list(&row.rejected);

    let payload = |token: &str| token.split('.').nth(1).unwrap().to_owned();
    let good = sign_changed(&json!({}));
    let (mut none, claims) = changed(row, &json!({}));
    let mut with_hs256 = none.clone();
    none["alg"] = json!("none");
    let unsigned = base64url(none.to_string());
    with_hs256["alg"] = json!("HS256");
    with_hs256["kid"] = json!(key.id());
    let claims = sign(key, &row.header, &claims);
    let claims = String::from_utf8(decode(&payload(&claims))).unwrap();
    let forged = |secret: &[u8]| sign_hs256(secret, &with_hs256.to_string(), &claims);
    let others = SigningKey::generate(key.id(), Algorithm::ES256);
    let other_issuer = json!({"iss": "https://evil.example"});
    rejected.extend([
        ("unsigned".into(), format!("{unsigned}.{}.", payload(&good))),
        ("HS256 with the public key".into(), forged(key.pem().as_bytes())),
        ("HS256 with the JWK".into(), forged(key.jwk().to_string().as_bytes())),
        ("another key".into(), sign(&others, &row.header, &changed(row, &json!({})).1)),
        ("another issuer".into(), sign_changed(&other_issuer)),
        ("no issuer".into(), sign_changed(&json!({"iss": null}))),
        ("no exp".into(), sign_changed(&json!({"exp": null}))),
        ("exp as text".into(), sign_changed(&json!({"exp": format!("{}", now() + 300)}))),
        ("bound to a key".into(), sign_changed(&json!({"cnf": {"jkt": "x"}}))),
        ("logout token by its header".into(), sign_changed(&json!({"typ!": "logout+jwt"}))),
    ]);
    if row.checks_audience {
        for (name, aud) in [
            ("another audience", json!("https://other.example")),
            ("other audiences", json!(["https://other.example", "https://more.example"])),
            ("an empty audience", json!("")),
            ("an empty list of audiences", json!([])),
            ("no audience", Value::Null),
        ] {
            rejected.push((name.into(), sign_changed(&json!({"aud": aud}))));
        }
    }
    (accepted, rejected)
}

fn decode(part: &str) -> Vec<u8> {
    use base64::Engine;
    base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()
}

#[tokio::test]
async fn tokens_of_each_provider_are_accepted_and_others_rejected() {
    let key = signer();
    let mut wrong = Vec::new();
    for row in rows() {
        let (accepted, rejected) = tokens(&row, &key);
        let provider = row.provider;
        let verifier = row.verifier.build(keys(&key));
        for (name, token) in accepted {
            if let Err(error) = verify(&verifier, &token).await {
                wrong.push(format!("{provider} rejects: {name}: {error:?}"));
            }
        }
        for (name, token) in rejected {
            if verify(&verifier, &token).await.is_ok() {
                wrong.push(format!("{provider} accepts: {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn five_providers_on_the_wire() {
    let key = signer();
    let wanted = [
        "Amazon Cognito, access token",
        "Dex",
        "GitHub Actions",
        "Microsoft Entra ID, many tenants",
        "Ory Hydra",
    ];
    let mut served = 0;
    for row in rows().into_iter().filter(|row| wanted.contains(&row.provider)) {
        served += 1;
        let (accepted, rejected) = tokens(&row, &key);
        let (provider, expired) = (row.provider, changed(&row, &json!({"exp": 1})));
        let subject = row.claims["sub"].as_str().unwrap().to_owned();
        let serving = Serving::bearers(row.verifier.build(keys(&key))).await;
        for (name, token) in accepted {
            assert_eq!(serving.bearer(&token).await, Ok(subject.clone()), "{provider}, {name}");
        }
        for (name, token) in rejected {
            let outcome = serving.bearer(&token).await;
            assert_eq!(outcome, Err(INVALID.into()), "{provider}, {name}");
        }
        let expired = sign(&key, &expired.0, &expired.1);
        assert_eq!(serving.bearer(&expired).await, Err(EXPIRED.into()), "{provider}");
    }
    assert_eq!(served, wanted.len());
}
