use std::time::Duration;

use super::support::{advance, bearer, cache, down, uses};
use crate::client::{
    cache::{
        Renewal,
        credential_cache::{Lookup, Renewing},
    },
    token::{Token, TokenSourceError},
};

#[tokio::test(start_paused = true)]
async fn late_rejection_finds_the_newer_token() {
    let (cache, source) = cache([Ok(Token::new("a")), Ok(Token::new("b"))]);
    assert!(uses(&cache, "a").await);
    let interval = Duration::ZERO;
    let renewing = cache.reject(&bearer("a"), interval);
    let newer = cache.renewal(renewing, &bearer("a")).await;
    assert!(matches!(newer, Renewal::Newer(newer) if newer.is_same(&bearer("b"))));
    let late = cache.reject(&bearer("a"), interval);
    assert!(matches!(late, Renewing::Done(Renewal::Newer(newer)) if newer.is_same(&bearer("b"))));
    assert_eq!(source.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn fetches_after_rejections_are_an_interval_apart() {
    let (cache, source) = cache(["a", "b", "c"].map(|token| Ok(Token::new(token))));
    assert!(uses(&cache, "a").await);
    let interval = Duration::from_secs(5);
    let renewing = cache.reject(&bearer("a"), interval);
    cache.renewal(renewing, &bearer("a")).await;
    advance(4_900).await;
    let soon = cache.reject(&bearer("b"), interval);
    assert!(matches!(soon, Renewing::Done(Renewal::NoNewerToken)));
    advance(200).await;
    let renewing = cache.reject(&bearer("b"), interval);
    let newer = cache.renewal(renewing, &bearer("b")).await;
    assert!(matches!(newer, Renewal::Newer(newer) if newer.is_same(&bearer("c"))));
    assert_eq!(source.fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_the_fetch_that_a_rejection_began() {
    let (cache, source) = cache([Ok(Token::new("a")), Ok(Token::new("b"))]);
    assert!(uses(&cache, "a").await);
    let _renewing = cache.reject(&bearer("a"), Duration::ZERO);
    assert!(matches!(cache.lookup(), Lookup::Wait(_)), "the rejected one isn't used");
    assert!(uses(&cache, "b").await);
    assert_eq!(source.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn rejection_respects_the_pause_after_a_failure() {
    let (cache, source) = cache([Ok(Token::new("a")), down()]);
    assert!(uses(&cache, "a").await);
    let renewing = cache.reject(&bearer("a"), Duration::ZERO);
    assert!(matches!(cache.renewal(renewing, &bearer("a")).await, Renewal::Failed(_)));
    let again = cache.reject(&bearer("a"), Duration::ZERO);
    assert!(matches!(again, Renewing::Done(Renewal::Failed(_))));
    assert!(uses(&cache, "a").await, "no other is available");
    assert_eq!(source.fetches(), 2);
}

#[test]
fn missing_token_is_not_taken_for_a_rejection_of_the_handlers_caller() {
    use crate::client::{error::CallError, response};

    let error = CallError::no_token(TokenSourceError::unusable("invalid_client"));
    let status = tonic::Status::from_error(Box::new(error));
    assert_eq!(status.code(), tonic::Code::Unauthenticated);
    let response = status.into_http::<tonic::body::Body>().map(|_| tonic::body::Body::empty());
    let uri = "http://localhost/pkg.Service/Method".parse().unwrap();
    assert_eq!(response::classify(&response, &uri), response::Classification::NotRetryable);
}
