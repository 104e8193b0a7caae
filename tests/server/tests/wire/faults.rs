//! Authenticators and checks that panic, hang or fail, and an attribute whose expressions panic.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tonic::{Code, Request, Response, Status};
use tonic_guard::{
    AuthError, Authenticate, Authenticated, CallHead, Challenge, Scheme, authenticated, guard,
    scheme::{Bearer, BearerToken, CredentialLocation, ExtractError, Extraction},
};
use tonic_guard_suite_support::{
    Running, Tokens, User, challenges, error_info,
    pb::{
        Note,
        extra_server::{Extra, ExtraServer},
    },
    reason, within,
};

use crate::support::service::{
    ADA, Ran, call, call_get_url, says, serve_guarded, serve_without_guard,
};

service!(Plain: [scheme = "bearer"] => User);

async fn with_and_without_a_guard() -> [(Running, Ran); 2] {
    let (guarded, bare) = (Plain::default(), Plain::default());
    let (guarded_ran, bare_ran) = (guarded.ran.clone(), bare.ran.clone());
    [(serve_guarded(guarded).await, guarded_ran), (serve_without_guard(bare).await, bare_ran)]
}

#[tokio::test]
async fn panicking_authenticator_rejects_only_its_call() {
    for (server, ran) in with_and_without_a_guard().await {
        let rejected = call(&server, &[("authorization", "Bearer panic")]).await.unwrap_err();
        assert_eq!(rejected.code(), Code::Internal);
        assert_eq!(rejected.message(), "the call could not be checked");
        assert!(error_info(&rejected).is_none() && challenges(&rejected).is_empty());
        assert_eq!(ran.times(), 0);
        assert!(call(&server, &[ADA]).await.is_ok());
    }
}

#[tokio::test]
async fn hanging_authenticator_ends_at_its_deadline() {
    for (server, ran) in with_and_without_a_guard().await {
        let begun = Instant::now();
        let hanging = call(&server, &[("authorization", "Bearer hang")]);
        let rejected = within("a call whose verifier hangs", hanging).await.unwrap_err();
        assert_eq!(rejected.code(), Code::Unavailable);
        assert_eq!(reason(&rejected), "AUTHENTICATOR_UNAVAILABLE");
        assert!(challenges(&rejected).is_empty());
        // The authenticator's deadline is 200 ms.
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(200) && took < Duration::from_secs(3), "{took:?}");
        assert_eq!(ran.times(), 0);
    }
}

#[tokio::test]
async fn unavailable_authenticator_is_reported_without_its_cause() {
    for (server, ran) in with_and_without_a_guard().await {
        let rejected = call(&server, &[("authorization", "Bearer down")]).await.unwrap_err();
        assert_eq!(rejected.code(), Code::Unavailable);
        assert!(challenges(&rejected).is_empty());
        assert!(!format!("{rejected:?}").contains("directory"), "the cause is on the wire");
        assert_eq!(ran.times(), 0);
        let rejected = call(&server, &[("authorization", "Bearer x")]).await.unwrap_err();
        assert!(!format!("{rejected:?}").contains("no such token"), "the cause is on the wire");
    }
}

/// Panics before its future exists, or in a custom check.
#[derive(Default)]
struct Panicking;

#[allow(clippy::manual_async_fn, reason = "it panics before there is a future")]
impl Authenticate<Bearer> for Panicking {
    type Identity = User;

    fn authenticate(
        &self,
        token: BearerToken,
    ) -> impl Future<Output = Result<Authenticated<User>, AuthError>> + Send {
        assert!(!token.matches("eager"), "a verifier panics at once");
        async { Ok(User { name: "ada".into(), scopes: "" }.into()) }
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
async fn panicking_custom_check_rejects_only_its_call() {
    for server in [serve_guarded(Panicking).await, serve_without_guard(Panicking).await] {
        let panicking = [ADA, ("x-panic", "1")];
        let eager = [("authorization", "Bearer eager")];
        for rejected in [
            call(&server, &panicking).await,
            call_get_url(&server, &panicking).await,
            call(&server, &eager).await,
            call_get_url(&server, &eager).await,
        ] {
            let rejected = rejected.unwrap_err();
            assert_eq!(rejected.code(), Code::Internal);
            assert!(!format!("{rejected:?}").contains("hunter2"));
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
fn panicking_expression_of_the_attribute_panics_at_start() {
    let made = std::panic::catch_unwind(|| guard(BadVia(Panicking), ExtraServer::from_arc));
    assert!(made.is_err());
}

#[tokio::test]
async fn panicking_expression_of_the_attribute_is_internal_at_the_handler_check() {
    let server = serve_without_guard(BadVia(Panicking)).await;
    for headers in [&[ADA][..], &[]] {
        let rejected = call(&server, headers).await.unwrap_err();
        assert_eq!(rejected.code(), Code::Internal);
        assert_eq!(rejected.message(), "the call could not be checked");
        assert!(!format!("{rejected:?}").contains("hunter2"));
    }
}

/// An expression of the attribute panics once `broken` is set.
#[derive(Default)]
struct PanicsLater {
    broken: Arc<AtomicBool>,
}

impl PanicsLater {
    fn tokens(&self) -> Tokens {
        assert!(!self.broken.load(Ordering::SeqCst), "an expression panics: hunter2");
        Tokens
    }
}

#[authenticated(scheme = Bearer::new() via self.tokens())]
#[tonic::async_trait]
impl Extra for PanicsLater {
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("in")
    }

    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("in")
    }
}

#[tokio::test]
async fn expression_that_panics_later_is_internal_while_it_does() {
    for with_guard in [true, false] {
        let service = PanicsLater::default();
        let broken = Arc::clone(&service.broken);
        let server = match with_guard {
            true => serve_guarded(service).await,
            false => serve_without_guard(service).await,
        };
        assert!(call(&server, &[ADA]).await.is_ok());
        broken.store(true, Ordering::SeqCst);
        for headers in [&[ADA][..], &[]] {
            let rejected = call(&server, headers).await.unwrap_err();
            assert_eq!(rejected.code(), Code::Internal);
            assert_eq!(rejected.message(), "the call could not be checked");
        }
        broken.store(false, Ordering::SeqCst);
        assert!(call(&server, &[ADA]).await.is_ok());
    }
}

/// Reads a token, and panics when its challenge is requested.
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

    async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<User>, AuthError> {
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
async fn panicking_challenge_is_internal() {
    let server = serve_without_guard(Undescribed).await;
    for headers in [&[][..], &[("authorization", "Bearer x")]] {
        let rejected = call(&server, headers).await.unwrap_err();
        assert_eq!(rejected.code(), Code::Internal, "{rejected:?}");
        assert!(!format!("{rejected:?}").contains("hunter2"));
    }
    assert!(call(&server, &[ADA]).await.is_ok());
    let made = std::panic::catch_unwind(|| guard(Undescribed, ExtraServer::from_arc));
    assert!(made.is_err(), "a guard describes its schemes at start");
}
