//! Several identity providers behind one header.

use std::time::{Duration, Instant};

use tonic_guard::{Authenticate, compose::ByIssuer, scheme::Bearer};
use tonic_guard_test::Issuer;
use tonic_guard_verifier_tests::Serving;

use crate::support::{
    AUDIENCE, AdmitsAll, Caller, INVALID, MALFORMED, MISSING, UNAVAILABLE, outcome,
    outcome_without_credentials, trusting,
};

const JWT_INVALID: &str = "Unauthenticated JWT_TOKEN_INVALID";
const STAFF: &str = "https://staff.example";
const SHOP: &str = "https://shop.example";

#[tokio::test]
async fn tokens_of_each_issuer_are_admitted() {
    let (staff, shop) = (Issuer::new(STAFF), Issuer::new(SHOP));
    let tokens: ByIssuer<Caller> =
        ByIssuer::new().issuer(STAFF, trusting(&staff)).issuer(SHOP, trusting(&shop));
    let serving = Serving::bearers(tokens).await;
    for issuer in [&staff, &shop] {
        let token = issuer.access_token(AUDIENCE).subject("ada").sign();
        let expected = format!("ada of {}", issuer.identifier());
        assert_eq!(outcome(&serving, &token).await, expected);
    }
}

#[tokio::test]
async fn issuer_cannot_sign_for_another() {
    let (staff, shop, rogue) =
        (Issuer::new(STAFF), Issuer::new(SHOP), Issuer::new("https://rogue"));
    let tokens: ByIssuer<Caller> =
        ByIssuer::new().issuer(STAFF, trusting(&staff)).issuer(SHOP, trusting(&shop));
    let serving = Serving::bearers(tokens).await;
    for signer in [&staff, &shop, &rogue] {
        for name in [
            STAFF,
            SHOP,
            "https://rogue",
            "https://staff.example/",
            "HTTPS://staff.example",
            "https://staff.example#",
            " https://staff.example",
            "",
        ] {
            if signer.identifier() == name && name != "https://rogue" {
                continue;
            }
            let token = signer.access_token(AUDIENCE).subject("ada").claim("iss", name).sign();
            let outcome = outcome(&serving, &token).await;
            assert_eq!(outcome, JWT_INVALID, "{} signs for {name:?}", signer.identifier());
        }
    }
}

/// The verifier admits every token that reaches it.
#[tokio::test]
async fn token_without_exactly_one_listed_issuer_reaches_no_verifier() {
    let issuer = Issuer::new(STAFF);
    let verifier = AdmitsAll::new("kept");
    let tokens: ByIssuer<Caller> = ByIssuer::new().issuer(STAFF, verifier.clone());
    let serving = Serving::bearers(tokens).await;
    let key = issuer.signing_key();
    let header = "{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}";
    for (payload, expected) in [
        ("{}", INVALID),
        ("{\"iss\":null}", INVALID),
        ("{\"iss\":7}", INVALID),
        ("{\"iss\":[\"https://staff.example\"]}", INVALID),
        ("{\"iss\":{\"https://staff.example\":1}}", INVALID),
        ("{\"ISS\":\"https://staff.example\"}", INVALID),
        ("{\"iss\":\"https://other.example\"}", INVALID),
        ("{\"iss\":\"https://staff.example/\"}", INVALID),
        ("{\"iss\":\"https://staff.example.evil.example\"}", INVALID),
        ("{\"iss\":\"HTTPS://staff.example\"}", INVALID),
        ("{\"iss\":\" https://staff.example\"}", INVALID),
        ("{\"iss\":\"https://staff.example\",\"iss\":\"https://other.example\"}", INVALID),
        ("{\"iss\":\"https://other.example\",\"iss\":\"https://staff.example\"}", INVALID),
        ("{\"iss\":\"https://staff.example\",\"\\u0069ss\":\"https://other.example\"}", INVALID),
        ("", MALFORMED),
        ("{", MALFORMED),
        ("{\"iss\":\"https://staff.example\"", MALFORMED),
    ] {
        assert_eq!(outcome(&serving, &key.sign(header, payload)).await, expected, "{payload}");
    }
    for token in ["a", "a.b", "a.e30.b.c", "sess_1", "..", "e30.=.x", "e30.%.x"] {
        let outcome = outcome(&serving, token).await;
        assert!([INVALID, MALFORMED].contains(&outcome.as_str()), "{outcome} by {token}");
    }
    assert_eq!(verifier.call_count(), 0);
    let good = key.sign(header, "{\"iss\":\"https://staff.example\"}");
    assert_eq!(outcome(&serving, &good).await, "session kept");
}

/// `iss` selects the verifier, which also checks the issuer that it expects.
#[tokio::test]
async fn verifier_that_expects_another_issuer_rejects_every_token() {
    let (staff, shop) = (Issuer::new(STAFF), Issuer::new(SHOP));
    let tokens: ByIssuer<Caller> = ByIssuer::new().issuer(SHOP, trusting(&staff));
    let serving = Serving::bearers(tokens).await;
    for token in [
        staff.access_token(AUDIENCE).subject("ada").sign(),
        shop.access_token(AUDIENCE).subject("ada").sign(),
        staff.access_token(AUDIENCE).subject("ada").claim("iss", SHOP).sign(),
    ] {
        assert_eq!(outcome(&serving, &token).await, JWT_INVALID);
    }
}

#[tokio::test]
async fn bypass_of_an_inner_verifier_is_ignored() {
    let staff = Issuer::new(STAFF);
    let tokens: ByIssuer<Caller> =
        ByIssuer::new().issuer(STAFF, trusting(&staff)).issuer(SHOP, AdmitsAll::off("kept"));
    let serving = Serving::bearers(tokens).await;
    assert_eq!(outcome_without_credentials(&serving).await, MISSING);
    let bad = Issuer::new(STAFF).access_token(AUDIENCE).subject("ada").sign();
    assert_eq!(outcome(&serving, &bad).await, INVALID);
}

#[tokio::test]
async fn each_verifier_has_its_deadline() {
    let (mut slow, fast) = (AdmitsAll::new("slow"), AdmitsAll::new("fast"));
    slow.deadline = Duration::from_secs(30);
    let tokens: ByIssuer<Caller> = ByIssuer::new().issuer(STAFF, slow).issuer(SHOP, fast);
    assert_eq!(Authenticate::<Bearer>::deadline(&tokens), Duration::from_secs(30));
    let serving = Serving::bearers(tokens).await;
    let token = Issuer::new(SHOP).access_token(AUDIENCE).sign();
    let (signed, _) = token.rsplit_once('.').unwrap();
    let began = Instant::now();
    assert_eq!(outcome(&serving, &format!("{signed}.hang")).await, UNAVAILABLE);
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn duplicate_issuer_panics_at_start() {
    for (one, other) in [(STAFF, STAFF), (STAFF, "")] {
        let made = std::panic::catch_unwind(|| {
            ByIssuer::<Caller>::new()
                .issuer(one, AdmitsAll::new("a"))
                .issuer(other, AdmitsAll::new("b"))
        });
        assert!(made.is_err(), "{one} {other}");
    }
}
