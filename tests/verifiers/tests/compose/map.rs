//! Mapping a verifier's identity to another.

use std::time::{Duration, Instant};

use tonic_guard::{
    AuthError, Authenticate,
    compose::{and_then, try_map},
    jwt::Claims,
    scheme::Bearer,
};
use tonic_guard_test::Issuer;
use tonic_guard_verifier_tests::Serving;

use crate::support::{
    AUDIENCE, AdmitsAll, Caller, MISSING, Session, UNAVAILABLE, outcome,
    outcome_without_credentials, trusting,
};

/// Maps `ada`; fails for `bob`; rejects everyone else.
fn account(claims: &Claims) -> Result<Caller, AuthError> {
    match claims.subject() {
        Some("ada") => Ok(Caller("account of ada".into())),
        Some("bob") => Err(AuthError::unavailable().because("the directory is down")),
        _ => Err(AuthError::denied().because("no account")),
    }
}

async fn assert_outcomes(serving: &Serving, issuer: &Issuer) {
    let token = |subject: &str| issuer.access_token(AUDIENCE).subject(subject).sign();
    assert_eq!(outcome(serving, &token("ada")).await, "account of ada");
    assert_eq!(outcome(serving, &token("bob")).await, UNAVAILABLE);
    assert_eq!(outcome(serving, &token("eve")).await, "PermissionDenied PERMISSION_DENIED");
    assert_eq!(outcome_without_credentials(serving).await, MISSING);
    // A token that the verifier rejects doesn't reach the function, and the reason is the
    // verifier's.
    let other = issuer.access_token("https://other.example").subject("ada").sign();
    assert_eq!(outcome(serving, &other).await, "Unauthenticated JWT_TOKEN_INVALID");
}

#[tokio::test]
async fn function_can_reject_an_admitted_caller() {
    let issuer = Issuer::new("https://id.example");
    let accounts = try_map(trusting(&issuer), |claims: Claims| account(&claims));
    assert_outcomes(&Serving::bearers(accounts).await, &issuer).await;
}

#[tokio::test]
async fn async_function_can_reject_an_admitted_caller() {
    let issuer = Issuer::new("https://id.example");
    let accounts = and_then(trusting(&issuer), |claims: Claims| async move {
        tokio::task::yield_now().await;
        account(&claims)
    });
    assert_outcomes(&Serving::bearers(accounts).await, &issuer).await;
}

#[tokio::test]
async fn bypass_is_kept_only_if_the_function_maps_it() {
    let taken = try_map(AdmitsAll::off("kept"), |session: Session| Ok(Caller::from(session)));
    assert_eq!(outcome_without_credentials(&Serving::bearers(taken).await).await, "session anyone");

    let rejected = try_map(AdmitsAll::off("kept"), |session: Session| match session.0 {
        "anyone" => Err(AuthError::denied()),
        _ => Ok(Caller::from(session)),
    });
    let serving = Serving::bearers(rejected).await;
    assert_eq!(outcome_without_credentials(&serving).await, MISSING);
    assert_eq!(outcome(&serving, "a").await, "session kept");

    let awaited = and_then(AdmitsAll::off("kept"), |session: Session| async move {
        Ok::<_, AuthError>(Caller::from(session))
    });
    let serving = Serving::bearers(awaited).await;
    assert_eq!(outcome_without_credentials(&serving).await, MISSING);
    assert_eq!(outcome(&serving, "a").await, "session kept");
}

#[tokio::test]
async fn deadline_of_the_verifier_includes_the_function() {
    let quick = || AdmitsAll::new("kept");
    let mapped = try_map(quick(), |session: Session| Ok(Caller::from(session)));
    assert_eq!(Authenticate::<Bearer>::deadline(&mapped), quick().deadline);
    let endless =
        and_then(quick(), |_: Session| std::future::pending::<Result<Caller, AuthError>>());
    assert_eq!(Authenticate::<Bearer>::deadline(&endless), quick().deadline);
    let began = Instant::now();
    let serving = Serving::bearers(endless).await;
    assert_eq!(outcome(&serving, "a").await, UNAVAILABLE);
    let serving = Serving::bearers(mapped).await;
    assert_eq!(outcome(&serving, "hang").await, UNAVAILABLE);
    assert!(began.elapsed() < Duration::from_secs(60));
}
