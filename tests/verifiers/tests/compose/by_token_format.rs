//! Several kinds of token in one header.

use std::time::{Duration, Instant};

use tonic_guard::{Authenticate, compose::ByTokenFormat, scheme::Bearer};
use tonic_guard_test::Issuer;
use tonic_guard_verifier_tests::Serving;

use crate::support::{
    AUDIENCE, Caller, Credulous, INVALID, MALFORMED, MISSING, UNAVAILABLE, told, told_without,
    trusting,
};

fn issuer() -> Issuer {
    Issuer::new("https://id.example")
}

#[tokio::test]
async fn each_shape_has_its_verifier() {
    let issuer = issuer();
    let (sessions, others) = (Credulous::new("kept"), Credulous::new("other"));
    let tokens: ByTokenFormat<Caller> = ByTokenFormat::new()
        .otherwise(others.clone())
        .prefix("sess_", sessions.clone())
        .jwt(trusting(&issuer));
    let serving = Serving::bearers(tokens).await;
    let good = issuer.access_token(AUDIENCE).subject("ada").sign();
    assert_eq!(told(&serving, &good).await, "ada of https://id.example");
    assert_eq!((sessions.call_count(), others.call_count()), (0, 0));
    assert_eq!(told(&serving, "sess_1").await, "session kept");
    assert_eq!(told(&serving, "sess").await, "session other");
    assert_eq!(told(&serving, "Sess_1").await, "session other");
    assert_eq!((sessions.call_count(), others.call_count()), (1, 2));
}

/// The other verifiers let everyone in: a token that reaches one of them is no longer refused.
#[tokio::test]
async fn a_jwt_that_is_refused_is_shown_to_nobody_else() {
    let issuer = issuer();
    let (sessions, others) = (Credulous::new("kept"), Credulous::new("other"));
    let tokens: ByTokenFormat<Caller> = ByTokenFormat::new()
        // As a JWT begins.
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
        // An encrypted one, of five parts.
        format!("{signed}.a.b.c"),
    ] {
        let told = told(&serving, &token).await;
        assert!(told.starts_with("Unauthenticated "), "{told} by {token}");
        assert_eq!((sessions.call_count(), others.call_count()), (0, 0), "{token}");
    }
    assert_eq!(told(&serving, &good).await, "ada of https://id.example");
    assert_eq!(told(&serving, "eyes").await, "session kept");
}

#[tokio::test]
async fn a_session_that_is_refused_is_no_jwt_and_an_unknown_shape_is_nobodys() {
    let issuer = issuer();
    let sessions = Credulous::new("kept");
    let tokens: ByTokenFormat<Caller> =
        ByTokenFormat::new().jwt(trusting(&issuer)).prefix("sess_", sessions.clone());
    let serving = Serving::bearers(tokens).await;
    for token in ["1", "sess", "asess_1", "a.b", "a.b.c.d", "v4.public.abc", "a.b.c"] {
        assert_eq!(told(&serving, token).await, INVALID, "{token}");
    }
    assert_eq!(sessions.call_count(), 0);
    let nobody: ByTokenFormat<Caller> = ByTokenFormat::new();
    let serving = Serving::bearers(nobody).await;
    assert_eq!(told(&serving, "1").await, INVALID);
}

#[tokio::test]
async fn a_verifier_that_is_off_opens_nothing() {
    let issuer = issuer();
    let off = Credulous::off("kept");
    let tokens: ByTokenFormat<Caller> =
        ByTokenFormat::new().jwt(trusting(&issuer)).prefix("sess_", off.clone()).otherwise(off);
    let serving = Serving::bearers(tokens).await;
    assert_eq!(told_without(&serving).await, MISSING);
    let bad = issuer.access_token("https://other.example").subject("ada").sign();
    assert_eq!(told(&serving, &bad).await, INVALID);
    let only: ByTokenFormat<Caller> = ByTokenFormat::new().otherwise(Credulous::off("kept"));
    assert_eq!(told_without(&Serving::bearers(only).await).await, MISSING);
}

#[tokio::test]
async fn each_verifier_is_held_to_its_own_deadline() {
    let (mut slow, fast) = (Credulous::new("slow"), Credulous::new("fast"));
    slow.deadline = Duration::from_secs(30);
    let tokens: ByTokenFormat<Caller> = ByTokenFormat::new().prefix("slow_", slow).otherwise(fast);
    assert_eq!(Authenticate::<Bearer>::deadline(&tokens), Duration::from_secs(30));
    let serving = Serving::bearers(tokens).await;
    let began = Instant::now();
    assert_eq!(told(&serving, "hang").await, UNAVAILABLE);
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn the_reason_is_one_that_all_verifiers_give() {
    let issuer = issuer();
    let both: ByTokenFormat<Caller> =
        ByTokenFormat::new().jwt(trusting(&issuer)).otherwise(trusting(&issuer));
    let serving = Serving::bearers(both).await;
    let bad = issuer.access_token("https://other.example").subject("ada").sign();
    assert_eq!(told(&serving, &bad).await, "Unauthenticated JWT_TOKEN_INVALID");
    assert_eq!(told(&serving, "a").await, MALFORMED);
}

#[test]
fn two_verifiers_for_one_token_are_refused_at_start() {
    let (a, b) = (|| Credulous::new("a"), || Credulous::new("b"));
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
