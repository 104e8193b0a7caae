//! Verifiers and checks that panic, hang or fail, and callers that never send their message.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tonic::{Code, Request, Response, Status};
use tonic_guard::{
    AuthError, Authenticate, CallHead, Challenge, Scheme, authenticated, guard,
    scheme::{Bearer, BearerToken, CredentialLocation, ExtractError, Extraction},
};
use tonic_guard_tests::{
    Running, Tokens, User, challenges, error_info,
    pb::{
        Note,
        extra_server::{Extra, ExtraServer},
    },
    reason, within,
};

use crate::support::service::{
    ADA, Ran, at_the_front_door, at_the_methods_door, call, call_get_url, says,
};

service!(Plain: [scheme = "bearer"] => User);

async fn at_each_door() -> [(Running, Ran); 2] {
    let (front, bare) = (Plain::default(), Plain::default());
    let (front_ran, bare_ran) = (front.ran.clone(), bare.ran.clone());
    [(at_the_front_door(front).await, front_ran), (at_the_methods_door(bare).await, bare_ran)]
}

#[tokio::test]
async fn a_verifier_that_panics_refuses_that_call_alone() {
    for (server, ran) in at_each_door().await {
        let refused = call(&server, &[("authorization", "Bearer panic")]).await.unwrap_err();
        assert_eq!(refused.code(), Code::Internal);
        assert_eq!(refused.message(), "the call could not be checked");
        assert!(error_info(&refused).is_none() && challenges(&refused).is_empty());
        assert_eq!(ran.times(), 0);
        assert!(call(&server, &[ADA]).await.is_ok());
    }
}

#[tokio::test]
async fn a_verifier_that_hangs_is_given_up_at_its_deadline() {
    for (server, ran) in at_each_door().await {
        let begun = Instant::now();
        let hanging = call(&server, &[("authorization", "Bearer hang")]);
        let refused = within("a call whose verifier hangs", hanging).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
        assert_eq!(reason(&refused), "AUTHENTICATOR_UNAVAILABLE");
        assert!(challenges(&refused).is_empty());
        // Its own deadline is 200 ms.
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(200) && took < Duration::from_secs(3), "{took:?}");
        assert_eq!(ran.times(), 0);
    }
}

#[tokio::test]
async fn a_verifier_that_cant_tell_says_so_and_no_more() {
    for (server, ran) in at_each_door().await {
        let refused = call(&server, &[("authorization", "Bearer down")]).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
        assert!(challenges(&refused).is_empty());
        assert!(!format!("{refused:?}").contains("directory"), "the cause is on the wire");
        assert_eq!(ran.times(), 0);
        let refused = call(&server, &[("authorization", "Bearer x")]).await.unwrap_err();
        assert!(!format!("{refused:?}").contains("no such token"), "the cause is on the wire");
    }
}

/// Panics before its future is made, in its deadline, or in the user's own check.
#[derive(Default)]
struct Panicking;

#[allow(clippy::manual_async_fn, reason = "it panics before there is a future")]
impl Authenticate<Bearer> for Panicking {
    type Identity = User;

    fn authenticate(
        &self,
        token: BearerToken,
    ) -> impl Future<Output = Result<User, AuthError>> + Send {
        assert!(!token.matches("eager"), "a verifier panics at once");
        async { Ok(User { name: "ada".into(), scopes: "" }) }
    }
}

impl Panicking {
    async fn panics(&self, _: &User, head: &CallHead<'_>) -> Result<(), Status> {
        assert!(!head.headers().contains_key("x-panic"), "a check panics: hunter2");
        Ok(())
    }

    async fn panics_on_request(&self, _: &User, request: &Request<Note>) -> Result<(), AuthError> {
        assert!(!request.metadata().contains_key("x-panic"), "a check panics: hunter2");
        Ok(())
    }

    fn tokens(&self) -> Tokens {
        panic!("an expression of the attribute panics: hunter2")
    }
}

#[authenticated]
#[tonic::async_trait]
impl Extra for Panicking {
    #[authenticated(scheme = "bearer", authorize = Self::panics)]
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("in")
    }

    #[authenticated(scheme = "bearer", authorize_request = Self::panics_on_request)]
    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("in")
    }
}

#[tokio::test]
async fn a_check_of_ones_own_that_panics_refuses_that_call_alone() {
    for server in [at_the_front_door(Panicking).await, at_the_methods_door(Panicking).await] {
        let panicking = [ADA, ("x-panic", "1")];
        let eager = [("authorization", "Bearer eager")];
        for refused in [
            call(&server, &panicking).await,
            call_get_url(&server, &panicking).await,
            call(&server, &eager).await,
            call_get_url(&server, &eager).await,
        ] {
            let refused = refused.unwrap_err();
            assert_eq!(refused.code(), Code::Internal);
            assert!(!format!("{refused:?}").contains("hunter2"));
        }
        assert!(call(&server, &[ADA]).await.is_ok());
        assert!(call_get_url(&server, &[ADA]).await.is_ok());
    }
}

/// The expression behind `via` panics.
struct BadVia(Panicking);

#[authenticated(scheme = Bearer::new() via self.0.tokens())]
#[tonic::async_trait]
impl Extra for BadVia {
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("in")
    }

    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("in")
    }
}

#[test]
fn an_attributes_expression_that_panics_is_found_at_start() {
    let made = std::panic::catch_unwind(|| guard(BadVia(Panicking), ExtraServer::from_arc));
    assert!(made.is_err());
}

#[tokio::test]
async fn an_attributes_expression_that_panics_lets_nobody_in_at_the_methods_door() {
    let server = at_the_methods_door(BadVia(Panicking)).await;
    for headers in [&[ADA][..], &[]] {
        let refused = call(&server, headers).await.unwrap_err();
        assert_eq!(refused.code(), Code::Internal);
        assert_eq!(refused.message(), "the call could not be checked");
        assert!(!format!("{refused:?}").contains("hunter2"));
    }
}

/// Its attribute's expression panics once it is told to.
#[derive(Default)]
struct Later {
    broken: Arc<AtomicBool>,
}

impl Later {
    fn tokens(&self) -> Tokens {
        assert!(!self.broken.load(Ordering::SeqCst), "an expression panics: hunter2");
        Tokens
    }
}

#[authenticated(scheme = Bearer::new() via self.tokens())]
#[tonic::async_trait]
impl Extra for Later {
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("in")
    }

    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("in")
    }
}

#[tokio::test]
async fn an_attributes_expression_that_panics_refuses_as_internal_while_it_does() {
    for front in [true, false] {
        let service = Later::default();
        let broken = Arc::clone(&service.broken);
        let server = match front {
            true => at_the_front_door(service).await,
            false => at_the_methods_door(service).await,
        };
        assert!(call(&server, &[ADA]).await.is_ok());
        broken.store(true, Ordering::SeqCst);
        for headers in [&[ADA][..], &[]] {
            let refused = call(&server, headers).await.unwrap_err();
            assert_eq!(refused.code(), Code::Internal);
            assert_eq!(refused.message(), "the call could not be checked");
        }
        broken.store(false, Ordering::SeqCst);
        assert!(call(&server, &[ADA]).await.is_ok());
    }
}

/// Reads a token, and panics when it is asked for its challenge.
struct Undescribed;

impl Scheme for Undescribed {
    type Credentials = BearerToken;

    fn name(&self) -> &str {
        "undescribed"
    }

    fn location(&self) -> CredentialLocation {
        Bearer::new().location()
    }

    fn extract(&self, head: &CallHead<'_>) -> Result<Extraction<BearerToken>, ExtractError> {
        Bearer::new().extract(head)
    }

    fn challenge(&self) -> Option<Challenge> {
        panic!("a challenge panics: hunter2")
    }
}

impl Authenticate<Undescribed> for Undescribed {
    type Identity = User;

    async fn authenticate(&self, token: BearerToken) -> Result<User, AuthError> {
        Tokens.authenticate(token).await
    }
}

#[authenticated(scheme = Undescribed)]
#[tonic::async_trait]
impl Extra for Undescribed {
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("in")
    }

    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("in")
    }
}

#[tokio::test]
async fn a_scheme_that_panics_as_it_is_described_refuses_as_internal() {
    let server = at_the_methods_door(Undescribed).await;
    for headers in [&[][..], &[("authorization", "Bearer x")]] {
        let refused = call(&server, headers).await.unwrap_err();
        assert_eq!(refused.code(), Code::Internal, "{refused:?}");
        assert!(!format!("{refused:?}").contains("hunter2"));
    }
    assert!(call(&server, &[ADA]).await.is_ok());
    let made = std::panic::catch_unwind(|| guard(Undescribed, ExtraServer::from_arc));
    assert!(made.is_err(), "a guard describes its schemes at start");
}
