//! No input panics, and only good tokens are admitted.

use std::{
    pin::pin,
    sync::LazyLock,
    task::{Context, Poll, Waker},
};

use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};
use tonic_guard::{
    AuthError, Authenticate, Authenticated, CallHead, Scheme,
    jwt::{Algorithm as Ours, Claims, JwtVerifier, Key, KeySet},
    scheme::Bearer,
};
use tonic_guard_test::{Algorithm, Issuer, SigningKey, sign_hs256};

use crate::support::{AUDIENCE, ISSUER, base64url, now};

const SECRET: &[u8; 32] = b"0123456789abcdef0123456789abcdef";

static VERIFIERS: LazyLock<[JwtVerifier<Claims>; 2]> = LazyLock::new(|| {
    [
        JwtVerifier::access_tokens(ISSUER, AUDIENCE).build(Key::hs256(SECRET).unwrap()),
        JwtVerifier::any_jwt(ISSUER, AUDIENCE).build(Key::hs256(SECRET).unwrap()),
    ]
});

/// The results of both verifiers, or `None` if the scheme rejects the value.
fn verify(token: &[u8]) -> Option<[Result<Claims, AuthError>; 2]> {
    let mut headers = http::HeaderMap::new();
    let value = [b"Bearer ", token].concat();
    headers.insert("authorization", http::HeaderValue::from_bytes(&value).ok()?);
    let extensions = http::Extensions::new();
    let head = CallHead::new(&headers, &extensions);
    let token = Bearer::new().extract(&head).ok()?.credentials()?;
    Some([&VERIFIERS[0], &VERIFIERS[1]].map(|verifier| {
        let future = pin!(verifier.authenticate(token.clone()));
        match { future }.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => answer.map(Authenticated::into_identity),
            Poll::Pending => panic!("static keys wait for nothing"),
        }
    }))
}

fn admitted(token: &[u8]) -> bool {
    verify(token).is_some_and(|answers| answers.iter().any(Result::is_ok))
}

/// JSON of any shape, including the names and values that a verifier reads.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(vec![ISSUER, AUDIENCE, "HS256", "none", "at+jwt", "JWT"])
            .prop_map(Value::from),
    ];
    let name = prop_oneof![
        ".{0,6}",
        prop::sample::select(vec![
            "alg", "typ", "kid", "crit", "iss", "aud", "exp", "nbf", "iat", "cnf", "scope",
            "nonce",
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((name.clone(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..Default::default() })]

    #[test]
    fn bytes_never_panic_and_are_rejected(token in vec(any::<u8>(), 0..300)) {
        prop_assert!(!admitted(&token));
    }

    #[test]
    fn text_in_three_parts_never_panics_and_is_rejected(
        token in "[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,80}={0,2}",
    ) {
        prop_assert!(!admitted(token.as_bytes()));
    }

    /// Header and payload of arbitrary bytes with a good signature.
    #[test]
    fn signed_bytes_never_panic(header in vec(any::<u8>(), 0..80), payload in vec(any::<u8>(), 0..200)) {
        let message = format!("{}.{}", base64url(header), base64url(payload));
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET);
        let signature = aws_lc_rs::hmac::sign(&key, message.as_bytes());
        let token = format!("{message}.{}", base64url(signature));
        prop_assert!(!admitted(token.as_bytes()));
    }

    /// A payload of arbitrary JSON with a good header and signature is admitted only if its claims
    /// are right.
    #[test]
    fn only_the_right_claims_are_admitted(
        claims in json_value(),
        right in vec(any::<bool>(), 3),
        extra in json_value(),
        name in "[a-z]{1,4}",
    ) {
        let mut claims = match claims {
            Value::Object(claims) => claims,
            other => {
                let header = r#"{"alg":"HS256","typ":"at+jwt"}"#;
                let token = sign_hs256(SECRET, header, &other.to_string());
                prop_assert!(!admitted(token.as_bytes()), "{other}");
                return Ok(());
            }
        };
        claims.entry(name).or_insert(extra);
        for ((name, value), right) in [
            ("iss", json!(ISSUER)),
            ("aud", json!(AUDIENCE)),
            ("exp", json!(now() + 60)),
        ].into_iter().zip(&right) {
            if *right {
                claims.insert(name.into(), value);
            }
        }
        let contains = |audience: &Value| match audience {
            Value::String(one) => one == AUDIENCE,
            Value::Array(several) => {
                several.iter().all(Value::is_string) && several.contains(&json!(AUDIENCE))
            }
            _ => false,
        };
        let expected = claims.get("iss") == Some(&json!(ISSUER))
            && claims.get("aud").is_some_and(contains)
            && claims.get("exp").and_then(Value::as_f64).is_some_and(|exp| exp + 60.0 > now() as f64)
            && claims.get("nbf").is_none_or(|nbf| nbf.as_f64().is_some_and(|nbf| nbf < now() as f64))
            && claims.get("iat").is_none_or(Value::is_number)
            && !claims.contains_key("cnf");
        let payload = Value::Object(claims).to_string();
        let token = sign_hs256(SECRET, r#"{"alg":"HS256","typ":"at+jwt"}"#, &payload);
        if admitted(token.as_bytes()) {
            prop_assert!(expected, "{payload}");
        }
    }

    /// A header of arbitrary JSON with good claims is admitted only as HS256 without `crit`.
    #[test]
    fn only_the_right_header_is_admitted(header in json_value(), right in any::<bool>()) {
        let mut header = header;
        if let (true, Value::Object(header)) = (right, &mut header) {
            header.insert("alg".into(), "HS256".into());
            header.insert("typ".into(), "at+jwt".into());
        }
        let expected = header["alg"] == "HS256" && header.get("crit").is_none();
        let payload = json!({"iss": ISSUER, "aud": AUDIENCE, "exp": now() + 60}).to_string();
        let token = sign_hs256(SECRET, &header.to_string(), &payload);
        if admitted(token.as_bytes()) {
            prop_assert!(expected, "{header}");
        }
        if right && header.is_object() && expected && header.get("kid").is_none_or(Value::is_string) {
            prop_assert!(admitted(token.as_bytes()), "{header}");
        }
    }

    /// Flips one bit of a good token.
    #[test]
    fn token_with_a_flipped_bit_is_rejected(at in any::<prop::sample::Index>(), bit in 0u8..7) {
        static GOOD: LazyLock<String> = LazyLock::new(|| {
            let payload = Issuer::new(ISSUER).access_token(AUDIENCE).payload();
            sign_hs256(SECRET, r#"{"alg":"HS256","typ":"at+jwt"}"#, &payload)
        });
        prop_assert!(admitted(GOOD.as_bytes()));
        let mut token = GOOD.clone().into_bytes();
        let at = at.index(token.len());
        token[at] ^= 1 << bit;
        prop_assert!(!admitted(&token), "{}", String::from_utf8_lossy(&token));
    }

    #[test]
    fn jwk_set_parser_never_panics(document in vec(any::<u8>(), 0..200), keys in json_value()) {
        drop(KeySet::from_jwks(&document));
        drop(KeySet::from_jwks(json!({ "keys": keys }).to_string()));
        drop(KeySet::from_jwks(json!({ "keys": [keys] }).to_string()));
    }

    /// A good key with one arbitrary member.
    #[test]
    fn jwk_members_never_panic(
        algorithm in prop::sample::select(vec![Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA]),
        name in prop::sample::select(vec!["kty", "crv", "x", "y", "n", "e", "k", "alg", "use", "kid"]),
        value in prop_oneof![json_value(), "[A-Za-z0-9_-]{0,90}".prop_map(Value::from)],
    ) {
        static KEYS: LazyLock<Vec<SigningKey>> = LazyLock::new(|| {
            [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA]
                .map(|algorithm| SigningKey::generate("key", algorithm))
                .into()
        });
        let key = KEYS.iter().find(|key| key.algorithm() == algorithm).unwrap();
        let mut jwk = key.jwk();
        jwk[name] = value;
        drop(KeySet::from_jwks(json!({ "keys": [jwk] }).to_string()));
    }

    #[test]
    fn pem_parser_never_panics(body in "[A-Za-z0-9+/= \n]{0,300}", raw in vec(any::<u8>(), 0..100)) {
        for algorithm in [Ours::RS256, Ours::ES256, Ours::EdDSA, Ours::HS256] {
            drop(Key::from_pem(algorithm, &raw));
            for label in ["PUBLIC KEY", "RSA PUBLIC KEY"] {
                let pem = format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----");
                drop(Key::from_pem(algorithm, pem));
            }
        }
        drop(Key::hs256(&raw));
    }
}
