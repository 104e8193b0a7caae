//! `call_as`: code of the same process injects the caller's identity.

use tonic::{Code, Request, Response, Status, transport::Server};
use tonic_guard::{AuthError, Authenticate, CallHead, authenticated, guard, in_process};
use tonic_guard_suite_support::{
    Caller, Keys, Partner, Role, Running, Tokens, User,
    pb::{
        Note,
        extra_server::{Extra, ExtraServer},
    },
    reason,
};

use crate::support::{
    layers::behind,
    service::{ADA, Ran, call, call_get_url, note, says},
};

#[derive(Authenticate, Default)]
struct Orders {
    #[verifies("bearer")]
    tokens: Tokens,
    #[verifies("api-key")]
    keys: Keys,
    ran: Ran,
}

impl Orders {
    async fn not_today(&self, caller: &Caller, head: &CallHead<'_>) -> Result<(), AuthError> {
        let closed = caller.name() == "acme" || head.headers().contains_key("x-closed");
        if closed { Err(AuthError::denied()) } else { Ok(()) }
    }

    async fn owns(&self, user: &User, request: &Request<Note>) -> Result<(), Status> {
        match request.get_ref().text == user.name {
            true => Ok(()),
            false => Err(Status::not_found("no such order")),
        }
    }
}

#[authenticated]
#[tonic::async_trait]
impl Extra for Orders {
    #[authenticated(
        scheme = "bearer",
        scopes("write"),
        roles(Role::Admin),
        authorize_request = Self::owns,
    )]
    async fn unary(
        &self,
        _: Request<Note>,
        #[identity] user: User,
    ) -> Result<Response<Note>, Status> {
        self.ran.once();
        says(user.name)
    }

    #[authenticated(scheme = one_of("bearer", "api-key"), authorize = Self::not_today)]
    async fn get_url(
        &self,
        _: Request<Note>,
        #[identity] caller: Caller,
    ) -> Result<Response<Note>, Status> {
        self.ran.once();
        says(caller.name())
    }
}

fn user(name: &str, scopes: &'static str) -> User {
    User { name: name.into(), scopes }
}

fn called_as<I: Send + Sync + 'static>(identity: I, text: &str) -> Request<Note> {
    let mut request = Request::new(note(text));
    in_process::call_as(identity, &mut request);
    request
}

#[tokio::test]
async fn injected_identity_is_admitted() {
    let orders = Orders::default();
    let answer = orders.unary(called_as(user("ada", "write"), "ada")).await.unwrap();
    assert_eq!(answer.into_inner().text, "ada");
    let answer = orders.get_url(called_as(user("eve", ""), "")).await.unwrap();
    assert_eq!(answer.into_inner().text, "eve");
    let answer = orders.get_url(called_as(Partner("globex".into()), "")).await.unwrap();
    assert_eq!(answer.into_inner().text, "globex", "the second alternative's identity");
    let rejected = orders.get_url(Request::new(note(""))).await.unwrap_err();
    assert_eq!(reason(&rejected), "CREDENTIALS_MISSING");
    assert_eq!(orders.ran.times(), 3);
}

#[tokio::test]
async fn scopes_roles_and_custom_checks_apply_to_injected_identities() {
    let orders = Orders::default();
    let rejected = orders.unary(called_as(user("ada", "read"), "ada")).await.unwrap_err();
    assert_eq!(reason(&rejected), "ACCESS_TOKEN_SCOPE_INSUFFICIENT");
    let rejected = orders.unary(called_as(user("bob", "write"), "bob")).await.unwrap_err();
    assert_eq!(reason(&rejected), "PERMISSION_DENIED");
    let rejected = orders.unary(called_as(user("ada", "write"), "eve")).await.unwrap_err();
    assert_eq!(rejected.code(), Code::NotFound);
    let rejected = orders.get_url(called_as(Partner("acme".into()), "")).await.unwrap_err();
    assert_eq!(rejected.code(), Code::PermissionDenied);
    assert_eq!(orders.ran.times(), 0);
}

#[tokio::test]
async fn injected_identity_of_another_type_is_rejected() {
    let orders = Orders::default();
    let rejected = orders.unary(called_as(Partner("acme".into()), "")).await.unwrap_err();
    assert_eq!(rejected.code(), Code::Internal);
    // The handler's identity type doesn't fit either: the identity is injected as the authenticator
    // returns it.
    let injected = Caller::User(user("ada", ""));
    assert_eq!(orders.get_url(called_as(injected, "")).await.unwrap_err().code(), Code::Internal);
    // A good token beside it doesn't help: the injected identity is still of the wrong type.
    let mut request = called_as("ada", "ada");
    request.metadata_mut().insert("authorization", "Bearer ada-token".parse().unwrap());
    assert_eq!(orders.unary(request).await.unwrap_err().code(), Code::Internal);
    assert_eq!(orders.ran.times(), 0);
}

/// Calls the orders service of the same process on behalf of its caller, once or twice with one
/// request.
#[derive(Authenticate, Default)]
struct Desk {
    #[verifies("bearer")]
    tokens: Tokens,
    orders: Orders,
}

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Extra for Desk {
    async fn unary(
        &self,
        _: Request<Note>,
        #[identity] caller: User,
    ) -> Result<Response<Note>, Status> {
        let text = caller.name.clone();
        self.orders.unary(called_as(caller, &text)).await
    }

    async fn get_url(
        &self,
        _: Request<Note>,
        #[identity] caller: User,
    ) -> Result<Response<Note>, Status> {
        let first = called_as(caller, "");
        let (metadata, extensions, message) = first.into_parts();
        let second = Request::from_parts(metadata, extensions.clone(), message.clone());
        let first = Request::from_parts(second.metadata().clone(), extensions, message);
        self.orders.get_url(first).await?;
        self.orders.get_url(second).await
    }
}

#[tokio::test]
async fn identity_injected_behind_the_guard_replaces_the_verified_one() {
    let guard = guard(Orders::default(), |orders| {
        behind(ExtraServer::from_arc(orders), |request: &mut http::Request<_>| {
            let (_, extensions, ()) = {
                let mut injected = Request::new(());
                in_process::call_as(user("eve", ""), &mut injected);
                injected.into_parts()
            };
            request.extensions_mut().extend(extensions);
        })
    });
    let server = Running::start(Server::builder().add_service(guard)).await;
    assert_eq!(call_get_url(&server, &[ADA]).await.unwrap(), "eve");
    assert!(call_get_url(&server, &[]).await.is_err(), "the guard still checks the call");
}

#[tokio::test]
async fn injected_identity_is_valid_for_one_call() {
    let desk = Desk::default();
    let ran = desk.orders.ran.clone();
    let guard = guard(desk, ExtraServer::from_arc);
    let server = Running::start(Server::builder().add_service(guard)).await;
    assert_eq!(call(&server, &[ADA]).await.unwrap(), "ada");
    assert_eq!(ran.times(), 1);
    assert!(call(&server, &[]).await.is_err());
    let rejected = call_get_url(&server, &[ADA]).await.unwrap_err();
    assert_eq!(reason(&rejected), "CREDENTIALS_MISSING", "the second call isn't the first's");
    assert_eq!(ran.times(), 2);
}
