//! A verifier that configuration chooses.

use std::time::Duration;

use tonic_guard::{Authenticate, BoxAuthenticator, compose::try_map, jwt::Claims, scheme::Bearer};
use tonic_guard_test::Issuer;
use tonic_guard_verifier_tests::Serving;

use crate::support::{
    AUDIENCE, Caller, Credulous, MISSING, Session, UNAVAILABLE, told, told_without, trusting,
};

type Tokens = BoxAuthenticator<Bearer, Caller>;

fn chosen(setting: &str, issuer: &Issuer) -> Tokens {
    let of_session = |session: Session| Ok(Caller::from(session));
    match setting {
        "jwt" => BoxAuthenticator::new(try_map(trusting(issuer), |claims: Claims| {
            Ok(Caller::from(claims))
        })),
        "off" => BoxAuthenticator::new(try_map(Credulous::off("kept"), of_session)),
        _ => BoxAuthenticator::new(try_map(Credulous::new("kept"), of_session)),
    }
}

/// Also through a clone, and boxed once more.
fn again(tokens: &Tokens) -> [Tokens; 2] {
    [tokens.clone(), BoxAuthenticator::new(tokens.clone())]
}

#[tokio::test]
async fn each_choice_holds_as_if_it_were_written() {
    let issuer = Issuer::new("https://id.example");
    let good = issuer.access_token(AUDIENCE).subject("ada").sign();
    let bad = issuer.access_token("https://other.example").subject("ada").sign();
    for tokens in again(&chosen("jwt", &issuer)) {
        let serving = Serving::bearers(tokens).await;
        assert_eq!(told(&serving, &good).await, "ada of https://id.example");
        assert_eq!(told(&serving, &bad).await, "Unauthenticated JWT_TOKEN_INVALID");
        assert_eq!(told_without(&serving).await, MISSING);
    }
    for tokens in again(&chosen("off", &issuer)) {
        let serving = Serving::bearers(tokens).await;
        assert_eq!(told_without(&serving).await, "session anyone");
    }
    for tokens in again(&chosen("sessions", &issuer)) {
        assert_eq!(tokens.deadline(), Duration::from_millis(300));
        let serving = Serving::bearers(tokens).await;
        assert_eq!(told(&serving, "a").await, "session kept");
        assert_eq!(told(&serving, "hang").await, UNAVAILABLE);
        assert_eq!(told_without(&serving).await, MISSING);
    }
}
