//! Tenants of one provider: its keys per tenant, and tenants that a resolver vouches for.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};
use tonic_guard::jwt::{Claims, Issuers, JwtVerifier, KeySet};
use tonic_guard_test::{Algorithm, SigningKey};
use tonic_guard_verifier_tests::Serving;

use super::sign;
use crate::support::INVALID;

fn issuer(tenant: &str) -> String {
    format!("https://login.example/{tenant}/v2.0")
}

fn template() -> tonic_guard::jwt::IssuerTemplate {
    Issuers::template("https://login.example/{tenantid}/v2.0")
}

fn token(key: &SigningKey, tenant: &str) -> String {
    let claims = json!({"iss": issuer(tenant), "tid": tenant, "aud": "orders", "sub": "ada",
        "iat": "now", "exp": "now"});
    sign(key, &json!({"typ": "JWT"}), &claims)
}

/// A key with the member `issuer`, as Entra publishes it.
fn jwk(key: &SigningKey, issuer: impl Into<Value>) -> Value {
    let mut jwk = key.jwk();
    jwk["issuer"] = issuer.into();
    jwk
}

fn key(id: &str) -> SigningKey {
    SigningKey::generate(id, Algorithm::ES256)
}

#[tokio::test]
async fn key_of_another_tenant_signs_for_that_tenant_only() {
    let (shared, red) = (key("shared"), key("red"));
    let jwks = json!({"keys": [
        jwk(&shared, "https://login.example/{tenantid}/v2.0"),
        jwk(&red, issuer("red")),
    ]});
    let keys = KeySet::from_jwks(jwks.to_string()).unwrap();
    let issuers = template().tenants(["red", "blue"]).or("https://other.example");
    let verifier: JwtVerifier<Claims> = JwtVerifier::any_jwt(issuers, "orders").build(keys);
    let serving = Serving::bearers(verifier).await;
    for token in [token(&shared, "red"), token(&shared, "blue"), token(&red, "red")] {
        assert_eq!(serving.bearer(&token).await, Ok("ada".into()));
        // The same from the cache.
        assert_eq!(serving.bearer(&token).await, Ok("ada".into()));
    }
    let invalid = Err(INVALID.to_owned());
    assert_eq!(serving.bearer(&token(&red, "blue")).await, invalid, "another tenant's key");
    // The issuer is accepted, but the key's own issuer doesn't fit it.
    let claims = json!({"iss": "https://other.example", "aud": "orders", "sub": "ada", "iat": "now",
        "exp": "now"});
    for key in [&shared, &red] {
        let other = sign(key, &json!({"typ": "JWT"}), &claims);
        assert_eq!(serving.bearer(&other).await, invalid);
    }
}

#[tokio::test]
async fn key_with_an_unreadable_issuer_is_not_used() {
    let key = key("one");
    for issuer in [
        json!("https://{tenantid}.login.example/v2.0"),
        json!("https://login.example/{a}/{b}"),
        json!(["https://login.example/red/v2.0"]),
        json!(1),
    ] {
        let jwks = json!({"keys": [jwk(&key, issuer.clone())]});
        assert!(KeySet::from_jwks(jwks.to_string()).is_err(), "{issuer}");
    }
}

#[tokio::test]
async fn resolver_vouches_for_tenants_of_signed_tokens_only() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let customer = Arc::new(AtomicBool::new(true));
    let (seen, is_customer) = (Arc::clone(&asked), Arc::clone(&customer));
    let issuers = template().vouched_by(move |tenant| {
        seen.lock().unwrap().push(tenant.to_owned());
        tenant == "red" && is_customer.load(Ordering::Relaxed)
    });
    let ours = key("one");
    let keys = KeySet::from_jwks(json!({"keys": [ours.jwk()]}).to_string()).unwrap();
    let verifier: JwtVerifier<Claims> =
        JwtVerifier::any_jwt(issuers, "orders").cache_bytes(0).build(keys);
    let serving = Serving::bearers(verifier).await;
    let invalid = Err(INVALID.to_owned());

    assert_eq!(serving.bearer(&token(&key("one"), "red")).await, invalid, "another key");
    let mismatch =
        json!({"iss": issuer("red"), "tid": "blue", "aud": "orders", "sub": "ada", "exp": "now"});
    assert_eq!(serving.bearer(&sign(&ours, &json!({}), &mismatch)).await, invalid);
    assert!(asked.lock().unwrap().is_empty(), "the resolver is asked after the signature");

    assert_eq!(serving.bearer(&token(&ours, "red")).await, Ok("ada".into()));
    assert_eq!(serving.bearer(&token(&ours, "blue")).await, invalid);
    customer.store(false, Ordering::Relaxed);
    assert_eq!(serving.bearer(&token(&ours, "red")).await, invalid);
    assert_eq!(*asked.lock().unwrap(), ["red", "blue", "red"]);
}

#[tokio::test]
async fn tenant_is_compared_with_the_named_claim() {
    let ours = key("one");
    let keys = KeySet::from_jwks(json!({"keys": [ours.jwk()]}).to_string()).unwrap();
    let issuers = template().tenant_claim("org").tenants(["red"]);
    let verifier: JwtVerifier<Claims> = JwtVerifier::any_jwt(issuers, "orders").build(keys);
    let serving = Serving::bearers(verifier).await;
    let signed = |claim: &str, tenant: &str| {
        let claims = json!({"iss": issuer("red"), claim: tenant, "aud": "orders", "sub": "ada", "exp": "now"});
        sign(&ours, &json!({}), &claims)
    };
    assert_eq!(serving.bearer(&signed("org", "red")).await, Ok("ada".into()));
    for (claim, tenant) in [("org", "blue"), ("tid", "red")] {
        let outcome = serving.bearer(&signed(claim, tenant)).await;
        assert_eq!(outcome, Err(INVALID.into()), "{claim} {tenant}");
    }
}
