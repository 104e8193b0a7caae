//! From a verifier's identity to another.

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
    AUDIENCE, Caller, Credulous, MISSING, Session, UNAVAILABLE, told, told_without, trusting,
};

/// Knows `ada`; `bob` is out of reach; nobody else has an account.
fn account(claims: &Claims) -> Result<Caller, AuthError> {
    match claims.subject() {
        Some("ada") => Ok(Caller("account of ada".into())),
        Some("bob") => Err(AuthError::unavailable().because("the directory is down")),
        _ => Err(AuthError::denied().because("no account")),
    }
}

async fn each_caller_gets(serving: &Serving, issuer: &Issuer) {
    let token = |subject: &str| issuer.access_token(AUDIENCE).subject(subject).sign();
    assert_eq!(told(serving, &token("ada")).await, "account of ada");
    assert_eq!(told(serving, &token("bob")).await, UNAVAILABLE);
    assert_eq!(told(serving, &token("eve")).await, "PermissionDenied PERMISSION_DENIED");
    assert_eq!(told_without(serving).await, MISSING);
    // What the verifier refuses, the function isn't asked about; the reason is the verifier's.
    let other = issuer.access_token("https://other.example").subject("ada").sign();
    assert_eq!(told(serving, &other).await, "Unauthenticated JWT_TOKEN_INVALID");
}

#[tokio::test]
async fn a_function_refuses_what_the_verifier_admits() {
    let issuer = Issuer::new("https://id.example");
    let accounts = try_map(trusting(&issuer), |claims: Claims| account(&claims));
    each_caller_gets(&Serving::bearers(accounts).await, &issuer).await;
}

#[tokio::test]
async fn an_async_function_refuses_what_the_verifier_admits() {
    let issuer = Issuer::new("https://id.example");
    let accounts = and_then(trusting(&issuer), |claims: Claims| async move {
        tokio::task::yield_now().await;
        account(&claims)
    });
    each_caller_gets(&Serving::bearers(accounts).await, &issuer).await;
}

#[tokio::test]
async fn a_bypass_is_handed_on_only_where_the_function_takes_it() {
    let taken = try_map(Credulous::off("kept"), |session: Session| Ok(Caller::from(session)));
    assert_eq!(told_without(&Serving::bearers(taken).await).await, "session anyone");

    let refused = try_map(Credulous::off("kept"), |session: Session| match session.0 {
        "anyone" => Err(AuthError::denied()),
        _ => Ok(Caller::from(session)),
    });
    let serving = Serving::bearers(refused).await;
    assert_eq!(told_without(&serving).await, MISSING);
    assert_eq!(told(&serving, "a").await, "session kept");

    let awaited = and_then(Credulous::off("kept"), |session: Session| async move {
        Ok::<_, AuthError>(Caller::from(session))
    });
    let serving = Serving::bearers(awaited).await;
    assert_eq!(told_without(&serving).await, MISSING);
    assert_eq!(told(&serving, "a").await, "session kept");
}

#[tokio::test]
async fn the_verifiers_deadline_bounds_the_check_and_the_function() {
    let quick = || Credulous::new("kept");
    let mapped = try_map(quick(), |session: Session| Ok(Caller::from(session)));
    assert_eq!(Authenticate::<Bearer>::deadline(&mapped), quick().deadline);
    let endless =
        and_then(quick(), |_: Session| std::future::pending::<Result<Caller, AuthError>>());
    assert_eq!(Authenticate::<Bearer>::deadline(&endless), quick().deadline);
    let began = Instant::now();
    let serving = Serving::bearers(endless).await;
    assert_eq!(told(&serving, "a").await, UNAVAILABLE);
    let serving = Serving::bearers(mapped).await;
    assert_eq!(told(&serving, "hang").await, UNAVAILABLE);
    assert!(began.elapsed() < Duration::from_secs(60));
}
