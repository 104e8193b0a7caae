//! Verifiers chosen at run time, shared ones, and "authentication off".

use std::{sync::Arc, time::Duration};

use tonic::{Code, Request, Response, Status};
use tonic_guard::{
    AuthError, Authenticate, BoxAuthenticator, authenticated, guard,
    scheme::{Bearer, BearerToken},
};
use tonic_guard_tests::{
    Tokens, User,
    pb::{
        Note,
        extra_server::{Extra, ExtraServer},
    },
    reason,
};

use crate::support::service::{
    ADA, EVE, at_the_front_door, at_the_methods_door, call, call_get_url, says,
};

/// Lets everyone in as `dev`, who has the scope `read`.
struct Off;

impl Authenticate<Bearer> for Off {
    type Identity = User;

    async fn authenticate(&self, _: BearerToken) -> Result<User, AuthError> {
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
async fn a_verifier_chosen_at_run_time_judges() {
    let chosen = || Chosen { tokens: BoxAuthenticator::new(Tokens) };
    for server in [at_the_front_door(chosen()).await, at_the_methods_door(chosen()).await] {
        assert_eq!(call(&server, &[EVE]).await.unwrap(), "eve");
        let refused = call(&server, &[("authorization", "Bearer x")]).await.unwrap_err();
        assert_eq!(reason(&refused), "CREDENTIALS_INVALID");
        // Its deadline is the one inside, not the default of five seconds.
        let hanging = call(&server, &[("authorization", "Bearer hang")]);
        let late = tokio::time::timeout(Duration::from_secs(3), hanging).await;
        assert_eq!(late.expect("an answer in time").unwrap_err().code(), Code::Unavailable);
    }
}

#[tokio::test]
async fn a_bypass_lets_everyone_in_as_one_identity_and_scopes_still_hold() {
    let off = || Chosen { tokens: BoxAuthenticator::new(Off) };
    for server in [at_the_front_door(off()).await, at_the_methods_door(off()).await] {
        for headers in [&[][..], &[ADA], &[ADA, ADA], &[("authorization", "Bearer")]] {
            assert_eq!(call(&server, headers).await.unwrap(), "dev", "{headers:?}");
            let refused = call_get_url(&server, headers).await.unwrap_err();
            assert_eq!(reason(&refused), "ACCESS_TOKEN_SCOPE_INSUFFICIENT");
        }
    }
}

#[test]
fn a_bypass_is_shown_in_the_table() {
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
async fn a_shared_verifier_judges() {
    let server = at_the_front_door(Shared { tokens: Arc::new(Tokens) }).await;
    assert_eq!(call(&server, &[ADA]).await.unwrap(), "ada");
    assert!(call(&server, &[]).await.is_err());
    assert!(call_get_url(&server, &[ADA]).await.is_ok());
    assert!(call_get_url(&server, &[("authorization", "Bearer x")]).await.is_err());
}
