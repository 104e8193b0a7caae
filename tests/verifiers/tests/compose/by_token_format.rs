//! Several token formats in one header.

use std::time::{Duration, Instant};

use tonic_guard::{Authenticate, compose::ByTokenFormat, scheme::Bearer};
use tonic_guard_test::Issuer;
use tonic_guard_verifier_tests::Serving;

use crate::support::{
    AUDIENCE, AdmitsAll, Caller, INVALID, MALFORMED, MISSING, UNAVAILABLE, outcome,
    outcome_without_credentials, trusting,
};

fn issuer() -> Issuer {
    Issuer::new("https://id.example")
}

#[tokio::test]
async fn each_format_has_its_verifier() {
    let issuer = issuer();
    let (sessions, others) = (AdmitsAll::new("kept"), AdmitsAll::new("other"));
    let tokens: ByTokenFormat<Caller> = ByTokenFormat::new()
        .otherwise(others.clone())
        .prefix("sess_", sessions.clone())
        .jwt(trusting(&issuer));
    let serving = Serving::bearers(tokens).await;
    let good = issuer.access_token(AUDIENCE).subject("ada").sign();
    assert_eq!(outcome(&serving, &good).await, "ada of https://id.example");
    assert_eq!((sessions.call_count(), others.call_count()), (0, 0));
    assert_eq!(outcome(&serving, "sess_1").await, "session kept");
    assert_eq!(outcome(&serving, "sess").await, "session other");
    assert_eq!(outcome(&serving, "Sess_1").await, "session other");
    assert_eq!((sessions.call_count(), others.call_count()), (1, 2));
}

/// The other verifiers admit every token, so a token that reaches one of them is admitted.
#[tokio::test]
async fn rejected_jwt_reaches_no_other_verifier() {
    let issuer = issuer();
    let (sessions, others) = (AdmitsAll::new("kept"), AdmitsAll::new("other"));
    let tokens: ByTokenFormat<Caller> = ByTokenFormat::new()
        // A prefix with which JWTs begin.
        .prefix("ey", sessions.clone())
        .otherwise(others.clone())
        .jwt(trusting(&issuer));
    let serving = Serving::bearers(tokens).await;
    let good = issuer.access_token(AUDIENCE).subject("ada");
    let payload = good.payload();
    let key = issuer.signing_key();
    let (header, rest) = ("{\"alg\":\"RS256\"}", "\"typ\":\"at+jwt\"}");
    let good = good.sign();
    let (signed, _) = good.rsplit_once('.').unwrap();
    for token in [
        Issuer::new("https://id.example").access_token(AUDIENCE).subject("ada").sign(),
        issuer.access_token("https://other.example").subject("ada").sign(),
        issuer.access_token(AUDIENCE).subject("ada").expired_for(Duration::from_secs(900)).sign(),
        key.sign(header, &payload),
        key.sign(&format!("{{\"alg\":\"none\",{rest}"), &payload),
        key.sign(&format!(" {{\"alg\":\"none\",{rest}"), &payload),
        key.sign(&format!("\r\n{{\"alg\":\"none\",{rest}"), &payload),
        key.sign("{}", ""),
        format!("{signed}."),
        "eyJ..".into(),
        "ey.a.b".into(),
        // An encrypted JWT of five parts.
        format!("{signed}.a.b.c"),
    ] {
        let outcome = outcome(&serving, &token).await;
        assert!(outcome.starts_with("Unauthenticated "), "{outcome} by {token}");
        assert_eq!((sessions.call_count(), others.call_count()), (0, 0), "{token}");
    }
    assert_eq!(outcome(&serving, &good).await, "ada of https://id.example");
    assert_eq!(outcome(&serving, "eyes").await, "session kept");
}

#[tokio::test]
async fn token_of_an_unknown_format_is_invalid() {
    let issuer = issuer();
    let sessions = AdmitsAll::new("kept");
    let tokens: ByTokenFormat<Caller> =
        ByTokenFormat::new().jwt(trusting(&issuer)).prefix("sess_", sessions.clone());
    let serving = Serving::bearers(tokens).await;
    for token in ["1", "sess", "asess_1", "a.b", "a.b.c.d", "v4.public.abc", "a.b.c"] {
        assert_eq!(outcome(&serving, token).await, INVALID, "{token}");
    }
    assert_eq!(sessions.call_count(), 0);
    let empty: ByTokenFormat<Caller> = ByTokenFormat::new();
    let serving = Serving::bearers(empty).await;
    assert_eq!(outcome(&serving, "1").await, INVALID);
}

#[tokio::test]
async fn bypass_of_an_inner_verifier_is_ignored() {
    let issuer = issuer();
    let off = AdmitsAll::off("kept");
    let tokens: ByTokenFormat<Caller> =
        ByTokenFormat::new().jwt(trusting(&issuer)).prefix("sess_", off.clone()).otherwise(off);
    let serving = Serving::bearers(tokens).await;
    assert_eq!(outcome_without_credentials(&serving).await, MISSING);
    let bad = issuer.access_token("https://other.example").subject("ada").sign();
    assert_eq!(outcome(&serving, &bad).await, INVALID);
    let only: ByTokenFormat<Caller> = ByTokenFormat::new().otherwise(AdmitsAll::off("kept"));
    assert_eq!(outcome_without_credentials(&Serving::bearers(only).await).await, MISSING);
}

#[tokio::test]
async fn each_verifier_has_its_deadline() {
    let (mut slow, fast) = (AdmitsAll::new("slow"), AdmitsAll::new("fast"));
    slow.deadline = Duration::from_secs(30);
    let tokens: ByTokenFormat<Caller> = ByTokenFormat::new().prefix("slow_", slow).otherwise(fast);
    assert_eq!(Authenticate::<Bearer>::deadline(&tokens), Duration::from_secs(30));
    let serving = Serving::bearers(tokens).await;
    let began = Instant::now();
    assert_eq!(outcome(&serving, "hang").await, UNAVAILABLE);
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn reason_is_kept_if_all_verifiers_agree() {
    let issuer = issuer();
    let both: ByTokenFormat<Caller> =
        ByTokenFormat::new().jwt(trusting(&issuer)).otherwise(trusting(&issuer));
    let serving = Serving::bearers(both).await;
    let bad = issuer.access_token("https://other.example").subject("ada").sign();
    assert_eq!(outcome(&serving, &bad).await, "Unauthenticated JWT_TOKEN_INVALID");
    assert_eq!(outcome(&serving, "a").await, MALFORMED);
}

#[test]
fn overlapping_formats_panic_at_start() {
    let (a, b) = (|| AdmitsAll::new("a"), || AdmitsAll::new("b"));
    let made = |make: &(dyn Fn() -> ByTokenFormat<Caller> + std::panic::RefUnwindSafe)| {
        std::panic::catch_unwind(make).is_ok()
    };
    assert!(made(&|| ByTokenFormat::new().prefix("a_", a()).prefix("b_", b())));
    for (one, other) in [("a_", "a_"), ("a_", "a_b"), ("a_b", "a_"), ("a", "")] {
        assert!(
            !made(&|| ByTokenFormat::new().prefix(one, a()).prefix(other, b())),
            "{one} {other}"
        );
    }
    assert!(!made(&|| ByTokenFormat::new().jwt(a()).jwt(b())));
    assert!(!made(&|| ByTokenFormat::new().otherwise(a()).otherwise(b())));
}
