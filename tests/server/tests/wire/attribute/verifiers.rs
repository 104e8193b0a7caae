//! Authenticators chosen at run time, shared ones, and authentication that is off.

use std::{sync::Arc, time::Duration};

use tonic::{Code, Request, Response, Status};
use tonic_guard::{
    AuthError, Authenticate, Authenticated, BoxAuthenticator, authenticated, guard,
    scheme::{Bearer, BearerToken},
};
use tonic_guard_suite_support::{
    Tokens, User,
    pb::{
        Note,
        extra_server::{Extra, ExtraServer},
    },
    reason,
};

use crate::support::service::{
    ADA, EVE, call, call_get_url, says, serve_guarded, serve_without_guard,
};

/// Admits every caller as `dev`, which has the scope `read`.
struct Off;

impl Authenticate<Bearer> for Off {
    type Identity = User;

    async fn authenticate(&self, _: BearerToken) -> Result<Authenticated<User>, AuthError> {
        Err(AuthError::invalid())
    }

    fn bypass(&self) -> Option<User> {
        Some(User { name: "dev".into(), scopes: "read" })
    }
}

#[derive(Authenticate)]
struct Chosen {
    #[verifies("bearer")]
    tokens: BoxAuthenticator<Bearer, User>,
}

#[authenticated]
#[tonic::async_trait]
impl Extra for Chosen {
    #[authenticated(scheme = "bearer", scopes("read"))]
    async fn unary(
        &self,
        _: Request<Note>,
        #[identity] user: User,
    ) -> Result<Response<Note>, Status> {
        says(user.name)
    }

    #[authenticated(scheme = "bearer", scopes("write"))]
    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("")
    }
}

#[tokio::test]
async fn boxed_authenticator_decides() {
    let chosen = || Chosen { tokens: BoxAuthenticator::new(Tokens) };
    for server in [serve_guarded(chosen()).await, serve_without_guard(chosen()).await] {
        assert_eq!(call(&server, &[EVE]).await.unwrap(), "eve");
        let rejected = call(&server, &[("authorization", "Bearer x")]).await.unwrap_err();
        assert_eq!(reason(&rejected), "CREDENTIALS_INVALID");
        // The inner authenticator's deadline applies, not the default of five seconds.
        let hanging = call(&server, &[("authorization", "Bearer hang")]);
        let late = tokio::time::timeout(Duration::from_secs(3), hanging).await;
        assert_eq!(late.expect("an answer in time").unwrap_err().code(), Code::Unavailable);
    }
}

#[tokio::test]
async fn bypass_admits_every_caller_with_one_identity_and_scopes_still_apply() {
    let off = || Chosen { tokens: BoxAuthenticator::new(Off) };
    for server in [serve_guarded(off()).await, serve_without_guard(off()).await] {
        for headers in [&[][..], &[ADA], &[ADA, ADA], &[("authorization", "Bearer")]] {
            assert_eq!(call(&server, headers).await.unwrap(), "dev", "{headers:?}");
            let rejected = call_get_url(&server, headers).await.unwrap_err();
            assert_eq!(reason(&rejected), "ACCESS_TOKEN_SCOPE_INSUFFICIENT");
        }
    }
}

#[test]
fn policy_table_shows_a_bypass() {
    let off = guard(Chosen { tokens: BoxAuthenticator::new(Off) }, ExtraServer::from_arc).policy();
    assert!(off.methods().iter().all(|method| off.is_bypassed(method)));
    assert_eq!(off.to_string().matches("BYPASSED").count(), 2, "{off}");
    let on = guard(Chosen { tokens: BoxAuthenticator::new(Tokens) }, ExtraServer::from_arc);
    assert!(!on.policy().to_string().contains("BYPASSED"));
}

#[derive(Authenticate)]
struct Shared {
    #[verifies("bearer")]
    tokens: Arc<Tokens>,
}

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Extra for Shared {
    async fn unary(
        &self,
        _: Request<Note>,
        #[identity] user: User,
    ) -> Result<Response<Note>, Status> {
        says(user.name)
    }

    #[authenticated(scheme = Bearer::new() via Tokens)]
    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("")
    }
}

#[tokio::test]
async fn shared_authenticator_decides() {
    let server = serve_guarded(Shared { tokens: Arc::new(Tokens) }).await;
    assert_eq!(call(&server, &[ADA]).await.unwrap(), "ada");
    assert!(call(&server, &[]).await.is_err());
    assert!(call_get_url(&server, &[ADA]).await.is_ok());
    assert!(call_get_url(&server, &[("authorization", "Bearer x")]).await.is_err());
}
