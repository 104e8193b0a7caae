//! `call_as`: code of the same process says who calls.

use tonic::{Code, Request, Response, Status, transport::Server};
use tonic_guard::{AuthError, Authenticate, CallHead, authenticated, guard, in_process};
use tonic_guard_tests::{
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
async fn an_identity_given_in_process_gets_in() {
    let orders = Orders::default();
    let answer = orders.unary(called_as(user("ada", "write"), "ada")).await.unwrap();
    assert_eq!(answer.into_inner().text, "ada");
    let answer = orders.get_url(called_as(user("eve", ""), "")).await.unwrap();
    assert_eq!(answer.into_inner().text, "eve");
    let answer = orders.get_url(called_as(Partner("globex".into()), "")).await.unwrap();
    assert_eq!(answer.into_inner().text, "globex", "the second alternative's identity");
    let refused = orders.get_url(Request::new(note(""))).await.unwrap_err();
    assert_eq!(reason(&refused), "CREDENTIALS_MISSING");
    assert_eq!(orders.ran.times(), 3);
}

#[tokio::test]
async fn scopes_roles_and_own_checks_hold_in_process() {
    let orders = Orders::default();
    let refused = orders.unary(called_as(user("ada", "read"), "ada")).await.unwrap_err();
    assert_eq!(reason(&refused), "ACCESS_TOKEN_SCOPE_INSUFFICIENT");
    let refused = orders.unary(called_as(user("bob", "write"), "bob")).await.unwrap_err();
    assert_eq!(reason(&refused), "PERMISSION_DENIED");
    let refused = orders.unary(called_as(user("ada", "write"), "eve")).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    let refused = orders.get_url(called_as(Partner("acme".into()), "")).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(orders.ran.times(), 0);
}

#[tokio::test]
async fn an_identity_of_another_type_is_refused() {
    let orders = Orders::default();
    let refused = orders.unary(called_as(Partner("acme".into()), "")).await.unwrap_err();
    assert_eq!(refused.code(), Code::Internal);
    // Not even the type that the handler reads: it is the authenticator's that is given.
    let given = Caller::User(user("ada", ""));
    assert_eq!(orders.get_url(called_as(given, "")).await.unwrap_err().code(), Code::Internal);
    // A good token beside it doesn't help: what the code said was wrong.
    let mut request = called_as("ada", "ada");
    request.metadata_mut().insert("authorization", "Bearer ada-token".parse().unwrap());
    assert_eq!(orders.unary(request).await.unwrap_err().code(), Code::Internal);
    assert_eq!(orders.ran.times(), 0);
}

/// Calls the orders of the same process for its caller, once or twice with one request.
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
async fn what_a_layer_inside_says_holds_over_what_the_front_door_found() {
    let guard = guard(Orders::default(), |orders| {
        behind(ExtraServer::from_arc(orders), |request: &mut http::Request<_>| {
            let (_, extensions, ()) = {
                let mut given = Request::new(());
                in_process::call_as(user("eve", ""), &mut given);
                given.into_parts()
            };
            request.extensions_mut().extend(extensions);
        })
    });
    let server = Running::start(Server::builder().add_service(guard)).await;
    assert_eq!(call_get_url(&server, &[ADA]).await.unwrap(), "eve");
    assert!(call_get_url(&server, &[]).await.is_err(), "the front door asks all the same");
}

#[tokio::test]
async fn a_sibling_service_calls_for_its_caller_once() {
    let desk = Desk::default();
    let ran = desk.orders.ran.clone();
    let guard = guard(desk, ExtraServer::from_arc);
    let server = Running::start(Server::builder().add_service(guard)).await;
    assert_eq!(call(&server, &[ADA]).await.unwrap(), "ada");
    assert_eq!(ran.times(), 1);
    assert!(call(&server, &[]).await.is_err());
    let refused = call_get_url(&server, &[ADA]).await.unwrap_err();
    assert_eq!(reason(&refused), "CREDENTIALS_MISSING", "the second call isn't the first's");
    assert_eq!(ran.times(), 2);
}
