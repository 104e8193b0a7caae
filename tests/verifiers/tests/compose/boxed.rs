//! A verifier that the configuration selects.

use std::time::Duration;

use tonic_guard::{Authenticate, BoxAuthenticator, compose::try_map, jwt::Claims, scheme::Bearer};
use tonic_guard_test::Issuer;
use tonic_guard_verifier_tests::Serving;

use crate::support::{
    AUDIENCE, AdmitsAll, Caller, MISSING, Session, UNAVAILABLE, outcome,
    outcome_without_credentials, trusting,
};

type Tokens = BoxAuthenticator<Bearer, Caller>;

fn selected(setting: &str, issuer: &Issuer) -> Tokens {
    let of_session = |session: Session| Ok(Caller::from(session));
    match setting {
        "jwt" => BoxAuthenticator::new(try_map(trusting(issuer), |claims: Claims| {
            Ok(Caller::from(claims))
        })),
        "off" => BoxAuthenticator::new(try_map(AdmitsAll::off("kept"), of_session)),
        _ => BoxAuthenticator::new(try_map(AdmitsAll::new("kept"), of_session)),
    }
}

/// The authenticator's clone, and the authenticator boxed once more.
fn clone_and_box(tokens: &Tokens) -> [Tokens; 2] {
    [tokens.clone(), BoxAuthenticator::new(tokens.clone())]
}

#[tokio::test]
async fn boxed_verifier_behaves_as_the_inner_one() {
    let issuer = Issuer::new("https://id.example");
    let good = issuer.access_token(AUDIENCE).subject("ada").sign();
    let bad = issuer.access_token("https://other.example").subject("ada").sign();
    for tokens in clone_and_box(&selected("jwt", &issuer)) {
        let serving = Serving::bearers(tokens).await;
        assert_eq!(outcome(&serving, &good).await, "ada of https://id.example");
        assert_eq!(outcome(&serving, &bad).await, "Unauthenticated JWT_TOKEN_INVALID");
        assert_eq!(outcome_without_credentials(&serving).await, MISSING);
    }
    for tokens in clone_and_box(&selected("off", &issuer)) {
        let serving = Serving::bearers(tokens).await;
        assert_eq!(outcome_without_credentials(&serving).await, "session anyone");
    }
    for tokens in clone_and_box(&selected("sessions", &issuer)) {
        assert_eq!(tokens.deadline(), Duration::from_millis(300));
        let serving = Serving::bearers(tokens).await;
        assert_eq!(outcome(&serving, "a").await, "session kept");
        assert_eq!(outcome(&serving, "hang").await, UNAVAILABLE);
        assert_eq!(outcome_without_credentials(&serving).await, MISSING);
    }
}
