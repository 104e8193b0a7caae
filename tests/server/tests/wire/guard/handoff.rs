//! The handoff, which lets an admitted call pass the handler check without a second check.

use std::sync::{Arc, Mutex};

use http::{Extensions, Request as HttpRequest};
use tonic::{Code, Request, Response, Status, body::Body, transport::Server};
use tonic_guard::{
    AuthError, Authenticate, Authenticated, CallHead, authenticated, authenticated as strictly,
    guard, guard_arc, in_process,
    scheme::{Bearer, BearerToken},
};
use tonic_guard_suite_support::{
    Running, Tokens, User,
    pb::{
        Note,
        extra_server::{Extra, ExtraServer},
    },
    reason,
};

use crate::support::{
    layers::behind,
    service::{ADA, EVE, Ran, call, call_get_url, says, serve_guarded},
};

/// Accepts one token, and counts how often it is called.
#[derive(Clone)]
struct OneToken {
    token: &'static str,
    calls: Ran,
}

impl OneToken {
    fn new(token: &'static str) -> Self {
        OneToken { token, calls: Ran::default() }
    }
}

impl Authenticate<Bearer> for OneToken {
    type Identity = User;

    async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<User>, AuthError> {
        self.calls.once();
        match token.matches(self.token) {
            true => Ok(User { name: self.token.into(), scopes: "read" }.into()),
            false => Err(AuthError::invalid()),
        }
    }
}

/// A service whose `unary` passes the request on: to the other instance if it has one, else to its
/// other method.
#[derive(Authenticate)]
struct Relay {
    #[verifies("bearer")]
    tokens: OneToken,
    other: Option<Arc<Relay>>,
    ran: Ran,
}

impl Relay {
    fn new(token: &'static str, other: Option<Arc<Relay>>) -> Self {
        Relay { tokens: OneToken::new(token), other, ran: Ran::default() }
    }
}

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Extra for Relay {
    async fn unary(&self, request: Request<Note>) -> Result<Response<Note>, Status> {
        match &self.other {
            Some(other) => other.get_url(request).await,
            None => self.get_url(request).await,
        }
    }

    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        self.ran.once();
        says("in")
    }
}

#[tokio::test]
async fn check_runs_once_with_a_guard_and_a_handler_check() {
    let relay = Relay::new("ada-token", None);
    let calls = relay.tokens.calls.clone();
    let server = serve_guarded(relay).await;
    assert!(call_get_url(&server, &[ADA]).await.is_ok());
    assert_eq!(calls.times(), 1);
}

#[tokio::test]
async fn request_passed_to_a_sibling_method_is_checked_again() {
    let relay = Relay::new("ada-token", None);
    let (calls, ran) = (relay.tokens.calls.clone(), relay.ran.clone());
    let server = serve_guarded(relay).await;
    assert!(call(&server, &[]).await.is_err());
    assert_eq!((calls.times(), ran.times()), (0, 0));
    assert!(call(&server, &[ADA]).await.is_ok());
    assert_eq!((calls.times(), ran.times()), (2, 1), "the handoff is used up by one handler check");
}

#[tokio::test]
async fn request_passed_to_another_instance_is_checked_there() {
    let other = Arc::new(Relay::new("other-token", None));
    let ran = other.ran.clone();
    let relay = Relay::new("ada-token", Some(other));
    let server = serve_guarded(relay).await;
    let rejected = call(&server, &[ADA]).await.unwrap_err();
    assert_eq!(reason(&rejected), "CREDENTIALS_INVALID");
    assert_eq!(ran.times(), 0);
    let willing = Arc::new(Relay::new("ada-token", None));
    let server = serve_guarded(Relay::new("ada-token", Some(willing))).await;
    assert!(call(&server, &[ADA]).await.is_ok());
}

#[tokio::test]
async fn handoff_of_another_instance_is_ignored() {
    // The guard's instance accepts the token; the one behind it doesn't know it.
    let behind = Arc::new(Relay::new("other-token", None));
    let (calls, ran) = (behind.tokens.calls.clone(), behind.ran.clone());
    let guard = guard(Relay::new("ada-token", None), |_| ExtraServer::from_arc(behind));
    let server = Running::start(Server::builder().add_service(guard)).await;
    let rejected = call_get_url(&server, &[ADA]).await.unwrap_err();
    assert_eq!(reason(&rejected), "CREDENTIALS_INVALID");
    assert_eq!((calls.times(), ran.times()), (1, 0));
    let behind = Arc::new(Relay::new("ada-token", None));
    let guard =
        tonic_guard::guard(Relay::new("ada-token", None), |_| ExtraServer::from_arc(behind));
    let server = Running::start(Server::builder().add_service(guard)).await;
    assert!(call_get_url(&server, &[ADA]).await.is_ok());
}

/// Defines a service that knows one token. All of them share the attribute of this macro, and a
/// wrapper has the address of the wrapped service.
macro_rules! service_that_knows {
    ($token:expr, $name:ident($inner:ty)) => {
        #[repr(transparent)]
        struct $name($inner);

        impl Authenticate<Bearer> for $name {
            type Identity = User;

            async fn authenticate(
                &self,
                token: BearerToken,
            ) -> Result<Authenticated<User>, AuthError> {
                OneToken::new($token).authenticate(token).await
            }
        }

        #[authenticated(scheme = "bearer")]
        #[tonic::async_trait]
        impl Extra for $name {
            async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
                says("in")
            }

            async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
                says("in")
            }
        }
    };
}

/// Defines a service that passes each call on to the service that `$wrapper` wraps.
macro_rules! passes_on {
    ($name:ident($wrapper:ty)) => {
        struct $name(Arc<$wrapper>);

        #[tonic::async_trait]
        impl Extra for $name {
            async fn unary(&self, request: Request<Note>) -> Result<Response<Note>, Status> {
                self.0.0.unary(request).await
            }

            async fn get_url(&self, request: Request<Note>) -> Result<Response<Note>, Status> {
                self.0.0.get_url(request).await
            }
        }
    };
}

service_that_knows!("other-token", Wrapped(u64));
service_that_knows!("ada-token", Wrapper(Wrapped));
passes_on!(PassedOn(Wrapper));

#[tokio::test]
async fn handoff_of_a_wrapper_is_ignored_by_the_wrapped_service() {
    let wrapper = Wrapper(Wrapped(0));
    assert_eq!(std::ptr::from_ref(&wrapper).addr(), std::ptr::from_ref(&wrapper.0).addr());
    let guard = guard(wrapper, |wrapper| ExtraServer::new(PassedOn(wrapper)));
    let server = Running::start(Server::builder().add_service(guard)).await;
    for rejected in [call(&server, &[ADA]).await, call_get_url(&server, &[ADA]).await] {
        assert_eq!(reason(&rejected.unwrap_err()), "CREDENTIALS_INVALID");
    }
    // The wrapper checks first, and doesn't know the other token.
    assert!(call(&server, &[("authorization", "Bearer other-token")]).await.is_err());
}

/// A wrapper and a wrapped service, as above, whose types have the same name.
fn wrapper_with_the_same_name() -> tonic::transport::server::Router {
    trait Inner {
        type Service;
    }
    struct First;
    {
        service_that_knows!("other-token", Service(u64));
        impl Inner for First {
            type Service = Service;
        }
        impl From<u64> for Service {
            fn from(number: u64) -> Self {
                Service(number)
            }
        }
    }
    {
        service_that_knows!("ada-token", Service(<First as Inner>::Service));
        passes_on!(PassedOn(Service));

        let wrapper = Service(<First as Inner>::Service::from(0));
        let guard = guard(wrapper, |wrapper| ExtraServer::new(PassedOn(wrapper)));
        Server::builder().add_service(guard)
    }
}

#[tokio::test]
async fn handoff_of_a_wrapper_is_ignored_by_a_type_of_the_same_name() {
    let server = Running::start(wrapper_with_the_same_name()).await;
    for rejected in [call(&server, &[ADA]).await, call_get_url(&server, &[ADA]).await] {
        assert_eq!(reason(&rejected.unwrap_err()), "CREDENTIALS_INVALID");
    }
}

/// A service whose custom check admits callers of `unary` alone.
#[derive(Authenticate)]
struct ByMethod(#[verifies("bearer")] Tokens);

impl ByMethod {
    async fn may_call(&self, _: &User, head: &CallHead<'_>) -> Result<(), AuthError> {
        match head.rpc().map(|rpc| rpc.method) {
            Some("Unary") => Ok(()),
            _ => Err(AuthError::denied()),
        }
    }
}

#[authenticated(scheme = "bearer", authorize = Self::may_call)]
#[tonic::async_trait]
impl Extra for ByMethod {
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("in")
    }

    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("in")
    }
}

/// Answers `unary` with the other method, too.
struct Renamed(Arc<ByMethod>);

#[tonic::async_trait]
impl Extra for Renamed {
    async fn unary(&self, request: Request<Note>) -> Result<Response<Note>, Status> {
        self.0.get_url(request).await
    }

    async fn get_url(&self, request: Request<Note>) -> Result<Response<Note>, Status> {
        self.0.get_url(request).await
    }
}

#[tokio::test]
async fn handoff_of_another_method_is_ignored() {
    let server = serve_guarded(ByMethod(Tokens)).await;
    assert_eq!(call(&server, &[ADA]).await.unwrap(), "in");
    assert_eq!(call_get_url(&server, &[ADA]).await.unwrap_err().code(), Code::PermissionDenied);
    // The policy and the instance are the same, but the guard admitted another method.
    let guard = guard(ByMethod(Tokens), |service| ExtraServer::new(Renamed(service)));
    let server = Running::start(Server::builder().add_service(guard)).await;
    assert_eq!(call(&server, &[ADA]).await.unwrap_err().code(), Code::PermissionDenied);
}

/// Methods with a second attribute that the one on the impl can't see.
#[derive(Authenticate, Default)]
struct Hidden {
    #[verifies("bearer")]
    tokens: Tokens,
    ran: Ran,
}

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Extra for Hidden {
    #[strictly(scheme = "bearer", scopes("write"))]
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        self.ran.once();
        says("in")
    }

    #[anonymous(reason = "the attribute below requires more")]
    #[strictly(scheme = "bearer", scopes("write"))]
    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        self.ran.once();
        says("in")
    }
}

#[tokio::test]
async fn stricter_attribute_hidden_from_the_impl_holds() {
    let service = Hidden::default();
    let ran = service.ran.clone();
    let server = serve_guarded(service).await;
    for rejected in [call(&server, &[EVE]).await, call_get_url(&server, &[EVE]).await] {
        assert_eq!(reason(&rejected.unwrap_err()), "ACCESS_TOKEN_SCOPE_INSUFFICIENT");
    }
    assert_eq!(reason(&call_get_url(&server, &[]).await.unwrap_err()), "CREDENTIALS_MISSING");
    assert_eq!(ran.times(), 0);
    assert!(call(&server, &[ADA]).await.is_ok());
    assert!(call_get_url(&server, &[ADA]).await.is_ok());
    assert_eq!(ran.times(), 2);
}

service!(Plain: [scheme = "bearer"] => User);
service!(Perhaps: [scheme = optional("bearer")] => Option<User>);

#[tokio::test]
async fn extensions_cloned_into_another_call_admit_nothing() {
    let kept: Arc<Mutex<Option<Extensions>>> = Arc::default();
    let (keep, forge) = (Arc::clone(&kept), Arc::clone(&kept));
    let service = Arc::new(Plain::default());
    let ran = service.ran.clone();
    let guard = guard_arc(service, |service| {
        behind(ExtraServer::from_arc(service), move |request: &mut HttpRequest<_>| {
            // Passed on without its handoff, so that the kept one stays unused.
            let extensions = std::mem::take(request.extensions_mut());
            *keep.lock().unwrap() = Some(extensions);
        })
    });
    let forger = behind(guard, move |request: &mut HttpRequest<Body>| {
        if let Some(kept) = forge.lock().unwrap().clone() {
            request.extensions_mut().extend(kept);
        }
    });
    let server = Running::start(Server::builder().add_service(forger)).await;
    assert!(call(&server, &[ADA]).await.is_ok());
    assert!(kept.lock().unwrap().is_some());
    for headers in [&[][..], &[("authorization", "Bearer x")]] {
        assert!(call(&server, headers).await.is_err());
        assert!(call_get_url(&server, headers).await.is_err());
    }
    assert_eq!(ran.times(), 1);
    assert!(call(&server, &[EVE]).await.unwrap().contains("eve"));
}

/// A service whose `unary` is open and passes its request on to a guarded method.
#[derive(Authenticate, Default)]
struct OpenRelay {
    #[verifies("bearer")]
    tokens: Tokens,
    ran: Ran,
}

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Extra for OpenRelay {
    #[anonymous(reason = "the method that it calls is guarded")]
    async fn unary(&self, request: Request<Note>) -> Result<Response<Note>, Status> {
        self.get_url(request).await
    }

    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        self.ran.once();
        says("in")
    }
}

#[tokio::test]
async fn unused_handoff_of_another_call_admits_nothing_behind_an_open_method() {
    let kept: Arc<Mutex<Option<Extensions>>> = Arc::default();
    let (keep, forge) = (Arc::clone(&kept), Arc::clone(&kept));
    let service = OpenRelay::default();
    let ran = service.ran.clone();
    let guard = guard(service, |service| {
        behind(ExtraServer::from_arc(service), move |request: &mut HttpRequest<_>| {
            if request.headers().contains_key("x-keep") {
                *keep.lock().unwrap() = Some(std::mem::take(request.extensions_mut()));
            }
        })
    });
    let forger = behind(guard, move |request: &mut HttpRequest<Body>| {
        if let Some(kept) = forge.lock().unwrap().clone() {
            request.extensions_mut().extend(kept);
        }
    });
    let server = Running::start(Server::builder().add_service(forger)).await;
    assert!(call_get_url(&server, &[ADA, ("x-keep", "1")]).await.is_ok());
    assert!(kept.lock().unwrap().is_some());
    let rejected = call(&server, &[]).await.unwrap_err();
    assert_eq!((reason(&rejected).as_str(), ran.times()), ("CREDENTIALS_MISSING", 1));
    assert!(call(&server, &[ADA]).await.is_ok());
}

/// Injects `ada` into each request, as code of the same process may.
fn forge(request: &mut HttpRequest<Body>) {
    let mut forged = Request::new(());
    in_process::call_as(User { name: "ada".into(), scopes: "read write" }, &mut forged);
    request.extensions_mut().extend(forged.into_parts().1);
}

#[tokio::test]
async fn identity_injected_outside_the_guard_is_removed() {
    let guarded = behind(guard(Plain::default(), ExtraServer::from_arc), forge);
    let server = Running::start(Server::builder().add_service(guarded)).await;
    assert_eq!(reason(&call(&server, &[]).await.unwrap_err()), "CREDENTIALS_MISSING");
    assert!(call(&server, &[EVE]).await.unwrap().contains("eve"), "the caller's own identity");
    let guarded = behind(guard(Perhaps::default(), ExtraServer::from_arc), forge);
    let server = Running::start(Server::builder().add_service(guarded)).await;
    assert_eq!(call(&server, &[]).await.unwrap(), "None");
}

#[tokio::test]
async fn injected_identity_does_not_pass_a_hidden_attribute() {
    let guarded = behind(guard(Hidden::default(), ExtraServer::from_arc), forge);
    let server = Running::start(Server::builder().add_service(guarded)).await;
    // The guard admits this call; the handler check rejects it.
    assert_eq!(reason(&call_get_url(&server, &[]).await.unwrap_err()), "CREDENTIALS_MISSING");
    assert!(call_get_url(&server, &[ADA]).await.is_ok());
}
