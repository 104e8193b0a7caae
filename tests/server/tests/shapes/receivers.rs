//! `&self`, `self: Arc<Self>`, `&mut self`, and a service that is an `Arc`.

use std::sync::Arc;

use tokio::sync::Mutex;
use tonic::{Code, Request, Response, Status, transport::Server};
use tonic_guard::{Authenticate, authenticated, guard, guard_arc};
use tonic_guard_suite_support::{Running, Tokens, User, request};

use crate::{
    ADA, assert_handler_check, call,
    pb::{
        Text,
        shape_server::{Shape, ShapeServer},
    },
    ran,
};

/// Generated with `use_arc_self`.
#[allow(missing_docs, clippy::all)]
mod shared {
    tonic::include_proto!("guard.shapes.shared.v1");
}

mod arc_self {
    use super::shared::{
        Words,
        shared_client::SharedClient,
        shared_server::{Shared, SharedServer},
    };
    use super::*;

    #[derive(Authenticate)]
    struct OnImpl(#[verifies("bearer")] Tokens);

    impl OnImpl {
        async fn named(&self, caller: &User, request: &Request<Words>) -> Result<(), Status> {
            assert_eq!((caller.name.as_str(), request.get_ref().text.as_str()), ("ada", "hi"));
            Ok(())
        }
    }

    #[authenticated(scheme = "bearer", authorize_request = Self::named)]
    #[tonic::async_trait]
    impl Shared for OnImpl {
        async fn call(self: Arc<Self>, request: Request<Words>) -> Result<Response<Words>, Status> {
            let service = self;
            drop(service);
            Ok(Response::new(request.into_inner()))
        }
    }

    #[derive(Authenticate)]
    struct ByDefault(#[verifies("bearer")] Tokens);

    #[authenticated(scheme = "bearer")]
    #[tonic::async_trait]
    impl Shared for ByDefault {
        async fn call(self: Arc<Self>, request: Request<Words>) -> Result<Response<Words>, Status> {
            drop(self);
            Ok(Response::new(request.into_inner()))
        }
    }

    /// The caller's name as the identity.
    struct Named<F>(String, std::marker::PhantomData<F>);

    impl<F> From<User> for Named<F> {
        fn from(user: User) -> Self {
            Named(user.name, std::marker::PhantomData)
        }
    }

    #[derive(Authenticate)]
    struct WithFn(#[verifies("bearer")] Tokens);

    #[authenticated(scheme = "bearer")]
    #[tonic::async_trait]
    impl Shared for WithFn {
        async fn call(
            self: Arc<Self>,
            request: Request<Words>,
            #[identity] Named(name, _): Named<fn() -> User>,
        ) -> Result<Response<Words>, Status> {
            assert_eq!(name, "ada");
            Ok(Response::new(request.into_inner()))
        }
    }

    #[derive(Authenticate)]
    struct OnMethod(#[verifies("bearer")] Tokens);

    #[tonic::async_trait]
    impl Shared for OnMethod {
        #[authenticated(scheme = "bearer" via self.0)]
        async fn call(
            self: Arc<Self>,
            request: Request<Words>,
            #[identity] caller: User,
        ) -> Result<Response<Words>, Status> {
            assert_eq!(caller.name, "ada");
            Ok(Response::new(request.into_inner()))
        }
    }

    async fn holds(server: tonic::transport::server::Router) {
        let server = Running::start(server).await;
        let mut client = SharedClient::new(server.channel().await);
        let words = || Words { text: "hi".into() };
        let rejected = client.call(request(words(), &[])).await.unwrap_err();
        assert_eq!(rejected.code(), Code::Unauthenticated);
        assert_eq!(client.call(request(words(), ADA)).await.unwrap().into_inner(), words());
    }

    #[tokio::test]
    async fn unauthenticated_calls_are_rejected() {
        holds(Server::builder().add_service(guard(OnImpl(Tokens), SharedServer::from_arc))).await;
        holds(Server::builder().add_service(SharedServer::new(OnImpl(Tokens)))).await;
        holds(Server::builder().add_service(guard(ByDefault(Tokens), SharedServer::from_arc)))
            .await;
        holds(Server::builder().add_service(SharedServer::new(ByDefault(Tokens)))).await;
        holds(Server::builder().add_service(guard(WithFn(Tokens), SharedServer::from_arc))).await;
        holds(Server::builder().add_service(SharedServer::new(WithFn(Tokens)))).await;
        holds(Server::builder().add_service(SharedServer::new(OnMethod(Tokens)))).await;
    }
}

mod mut_self {
    use super::*;

    #[tonic::async_trait]
    trait Session: Send {
        async fn next(&mut self, request: Request<Text>) -> Result<Response<Text>, Status>;
    }

    #[derive(Authenticate)]
    struct Numbered {
        #[verifies("bearer")]
        tokens: Tokens,
        calls: u32,
    }

    #[tonic::async_trait]
    impl Session for Numbered {
        #[authenticated(scheme = "bearer")]
        async fn next(&mut self, _: Request<Text>) -> Result<Response<Text>, Status> {
            self.calls += 1;
            assert_eq!(self.calls, 1, "rejected calls don't reach the body");
            Ok(ran())
        }
    }

    struct Shared(Mutex<Numbered>);

    #[tonic::async_trait]
    impl Shape for Shared {
        async fn call(&self, request: Request<Text>) -> Result<Response<Text>, Status> {
            self.0.lock().await.next(request).await
        }
    }

    #[tokio::test]
    async fn unauthenticated_calls_are_rejected() {
        assert_handler_check(Shared(Mutex::new(Numbered { tokens: Tokens, calls: 0 }))).await;
    }
}

mod an_arc_of_the_service {
    use super::*;

    #[derive(Authenticate)]
    struct Inner(#[verifies("bearer")] Tokens);

    #[authenticated(scheme = "bearer")]
    #[tonic::async_trait]
    impl Shape for Arc<Inner> {
        async fn call(
            &self,
            _: Request<Text>,
            #[identity] caller: User,
        ) -> Result<Response<Text>, Status> {
            assert_eq!(caller.name, "ada");
            Ok(ran())
        }
    }

    #[tokio::test]
    async fn unauthenticated_calls_are_rejected() {
        crate::assert_guarded(|| Arc::new(Inner(Tokens))).await;
    }

    #[tokio::test]
    async fn shared_service_is_guarded() {
        let service = Arc::new(Arc::new(Inner(Tokens)));
        let guarded = guard_arc(Arc::clone(&service), ShapeServer::from_arc);
        let server = Running::start(Server::builder().add_service(guarded)).await;
        assert_eq!(call(&server, &[]).await.unwrap_err().code(), Code::Unauthenticated);
        assert_eq!(call(&server, ADA).await.unwrap(), "ran");
    }
}
