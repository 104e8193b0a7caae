//! One token, verified repeatedly by each implementation in turn.

use std::{
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use aws_lc_rs::{
    hmac,
    signature::{self, ParsedPublicKey, VerificationAlgorithm},
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use jsonwebtoken::{DecodingKey, Validation};
use serde::Deserialize;
use tonic_guard::{
    Authenticate, CallHead, Scheme,
    jwt::{Claims, JwtVerifier, Key, KeySet},
    scheme::{Bearer, BearerToken},
};
use tonic_guard_bench::results::record;
use tonic_guard_test::{Algorithm, Issuer, Token, sign_hs256};

pub(crate) const ISSUER: &str = "https://id.example";
pub(crate) const AUDIENCE: &str = "https://accounts.example";
const SECRET: &[u8; 32] = b"0123456789abcdef0123456789abcdef";

/// The duration of a turn of one implementation: shorter than a time slice of the scheduler, so
/// that the fastest of many turns was undisturbed.
const TURN: Duration = Duration::from_millis(1);

/// A token like those of real issuers: some 840 bytes with RS256.
pub(crate) fn token(issuer: &Issuer) -> Token<'_> {
    issuer
        .access_token(AUDIENCE)
        .subject("auth0|5f7c8ec7c33c6c004bbafe82")
        .scope("accounts:read accounts:close orders:read orders:write")
        .claim("tenant", "acme")
        .claim("email", "ada@acme.example")
}

/// The claims that jsonwebtoken deserializes: as many as tonic-guard's.
#[derive(Clone, Deserialize)]
#[allow(dead_code, reason = "reading them is what is measured")]
pub(crate) struct Read {
    iss: String,
    pub(crate) sub: String,
    aud: String,
    exp: u64,
    iat: u64,
    jti: String,
    client_id: String,
    scope: String,
}

struct Case {
    name: String,
    token: String,
    keys: fn(&Issuer) -> KeySet,
    issuer: Issuer,
    bare: Box<dyn Fn() -> bool>,
    theirs: (DecodingKey, Validation),
}

pub(crate) fn validation(algorithm: jsonwebtoken::Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.validate_nbf = true;
    validation
}

fn parts(token: &str) -> (Vec<u8>, Vec<u8>) {
    let (message, signature) = token.rsplit_once('.').expect("a token has three parts");
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    (message.as_bytes().to_vec(), signature)
}

fn hs256() -> Case {
    let issuer = Issuer::new(ISSUER);
    let token = sign_hs256(SECRET, r#"{"alg":"HS256","typ":"at+jwt"}"#, &token(&issuer).payload());
    let (message, signature) = parts(&token);
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
    Case {
        name: "HS256".into(),
        token,
        keys: |_| Key::hs256(SECRET).expect("a secret").into(),
        issuer,
        bare: Box::new(move || hmac::verify(&key, &message, &signature).is_ok()),
        theirs: (DecodingKey::from_secret(SECRET), validation(jsonwebtoken::Algorithm::HS256)),
    }
}

fn public(algorithm: Algorithm) -> Case {
    let issuer = Issuer::with_algorithm(ISSUER, algorithm);
    let token = token(&issuer).sign();
    let key = issuer.signing_key();
    let pem = key.pem();
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = BASE64_STANDARD.decode(body).expect("PEM");
    let parameters: &'static dyn VerificationAlgorithm = match algorithm {
        Algorithm::RS256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &signature::RSA_PSS_2048_8192_SHA512,
        Algorithm::ES256 => &signature::ECDSA_P256_SHA256_FIXED,
        Algorithm::ES384 => &signature::ECDSA_P384_SHA384_FIXED,
        _ => &signature::ED25519,
    };
    let parsed = ParsedPublicKey::new(parameters, der).expect("a public key");
    let (message, signature) = parts(&token);
    let jwk = serde_json::from_value(key.jwk()).expect("a JWK");
    let name = algorithm.to_string();
    let theirs = name.parse().expect("an algorithm of jsonwebtoken");
    Case {
        name,
        token,
        keys: |issuer| KeySet::from_jwks(issuer.jwks()).expect("a JWK set"),
        issuer,
        bare: Box::new(move || parsed.verify_sig(&message, &signature).is_ok()),
        theirs: (DecodingKey::from_jwk(&jwk).expect("a JWK"), validation(theirs)),
    }
}

fn bearer(token: &str) -> BearerToken {
    let mut headers = http::HeaderMap::new();
    headers.insert("authorization", format!("Bearer {token}").parse().expect("a header"));
    let extensions = http::Extensions::new();
    let found = Bearer::new().extract(&CallHead::new(&headers, &extensions));
    found.expect("one header").credentials().expect("a token")
}

/// The output of a future that never waits.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("it waits for nothing"),
    }
}

/// Nanoseconds per call of `work`, over a turn.
fn turn(work: &mut dyn FnMut() -> bool) -> f64 {
    let start = Instant::now();
    let mut calls = 0u32;
    while start.elapsed() < TURN {
        for _ in 0..4 {
            assert!(work(), "a good token is rejected");
        }
        calls += 4;
    }
    start.elapsed().as_nanos() as f64 / f64::from(calls)
}

/// Measures each implementation in turn and prints the minimum of each.
pub(crate) fn run(rounds: usize) {
    println!("One token, verified alone: nanoseconds, the minimum of {rounds} turns of {TURN:?}\n");
    println!(
        "{:<6} {:>6}  {:>9} {:>9} {:>9} {:>12}  {:>14} {:>22}",
        "alg",
        "bytes",
        "signature",
        "miss",
        "hit",
        "jsonwebtoken",
        "miss/signature",
        "hit/jsonwebtoken RS256"
    );
    let mut cases = vec![public(Algorithm::RS256), hs256()];
    cases.extend(Algorithm::ALL.into_iter().skip(1).map(public));
    let mut rs256 = f64::NAN;
    for case in cases {
        let builder = || JwtVerifier::<Claims>::access_tokens(ISSUER, AUDIENCE);
        let missing = builder().cache_bytes(0).build((case.keys)(&case.issuer));
        let hitting = builder().build((case.keys)(&case.issuer));
        let token = bearer(&case.token);
        let (key, validation) = &case.theirs;
        let check = |verifier: &JwtVerifier<Claims>| {
            black_box(now(verifier.authenticate(black_box(token.clone())))).is_ok()
        };
        let mut ways: [Box<dyn FnMut() -> bool>; 4] = [
            Box::new(|| black_box((case.bare)())),
            Box::new(|| check(&missing)),
            Box::new(|| check(&hitting)),
            Box::new(|| {
                let text = black_box(&case.token);
                black_box(jsonwebtoken::decode::<Read>(text, key, validation)).is_ok()
            }),
        ];
        let mut least = [f64::INFINITY; 4];
        for _ in 0..rounds {
            for (way, least) in ways.iter_mut().zip(&mut least) {
                *least = least.min(turn(way));
            }
        }
        let [bare, miss, hit, theirs] = least;
        for (metric, value) in
            [("signature", bare), ("miss", miss), ("hit", hit), ("jsonwebtoken", theirs)]
        {
            record(&case.name, &format!("{metric}, nanoseconds"), value);
        }
        if case.name == "RS256" {
            rs256 = theirs;
        }
        println!(
            "{:<6} {:>6}  {bare:>9.0} {miss:>9.0} {hit:>9.0} {theirs:>12.0}  {:>14.3} {:>22.5}",
            case.name,
            case.token.len(),
            miss / bare,
            hit / rs256,
        );
    }
    println!();
}
