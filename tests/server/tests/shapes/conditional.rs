//! Methods that `cfg` keeps or removes, and a stricter attribute that the one on the impl can't
//! see.

use tonic::{Code, Request, Response, Status, transport::Server};
use tonic_guard::{Authenticate, authenticated, authenticated as strict, guard};
use tonic_guard_suite_support::{Running, Tokens, User};

use crate::{
    ADA, EVE, assert_guarded, call,
    pb::{
        Text,
        shape_server::{Shape, ShapeServer},
    },
    ran,
};

mod cfg_alternatives {
    use super::*;

    #[derive(Authenticate)]
    struct Service(#[verifies("bearer")] Tokens);

    #[authenticated(scheme = "bearer")]
    #[tonic::async_trait]
    impl Shape for Service {
        #[cfg(debug_assertions)]
        async fn call(&self, _: Request<Text>) -> Result<Response<Text>, Status> {
            Ok(ran())
        }

        #[cfg(not(debug_assertions))]
        async fn call(&self, _request: Request<Text>) -> Result<Response<Text>, Status> {
            Ok(ran())
        }
    }

    /// The removed alternatives are anonymous or name a path that doesn't exist.
    #[derive(Authenticate)]
    struct Open(#[verifies("bearer")] Tokens);

    #[authenticated]
    #[tonic::async_trait]
    impl Shape for Open {
        #[cfg(any())]
        #[anonymous(reason = "compiled out")]
        async fn call(&self, _: Request<Text>) -> Result<Response<Text>, Status> {
            Ok(no::such::function())
        }

        #[cfg(any())]
        #[authenticated(scheme = no::such::Scheme)]
        async fn call(&self, _: Request<Text>) -> Result<Response<Text>, Status> {
            Ok(ran())
        }

        #[cfg(not(any()))]
        #[authenticated(scheme = "bearer")]
        async fn call(&self, _: Request<Text>) -> Result<Response<Text>, Status> {
            Ok(ran())
        }
    }

    #[tokio::test]
    async fn compiled_alternative_is_guarded() {
        assert_guarded(|| Service(Tokens)).await;
        assert_guarded(|| Open(Tokens)).await;
    }
}

mod a_hidden_stricter_attribute {
    use super::*;

    #[derive(Authenticate)]
    struct Renamed(#[verifies("bearer")] Tokens);

    #[authenticated(scheme = "bearer")]
    #[tonic::async_trait]
    impl Shape for Renamed {
        #[strict(scheme = "bearer", scopes("write"))]
        async fn call(&self, _: Request<Text>) -> Result<Response<Text>, Status> {
            Ok(ran())
        }
    }

    #[derive(Authenticate)]
    struct WithIdentity(#[verifies("bearer")] Tokens);

    #[authenticated(scheme = "bearer")]
    #[tonic::async_trait]
    impl Shape for WithIdentity {
        #[strict(scheme = "bearer", scopes("write"))]
        async fn call(
            &self,
            _: Request<Text>,
            #[identity] caller: User,
        ) -> Result<Response<Text>, Status> {
            assert_eq!(caller.name, "ada");
            Ok(ran())
        }
    }

    macro_rules! stricter {
        ($($method:tt)+) => {
            #[derive(Authenticate)]
            struct MadeByAMacro(#[verifies("bearer")] Tokens);

            #[authenticated(scheme = "bearer")]
            #[tonic::async_trait]
            impl Shape for MadeByAMacro {
                #[strict(scheme = "bearer", scopes("write"))]
                $($method)+
            }
        };
    }

    stricter! {
        async fn call(&self, _: Request<Text>) -> Result<Response<Text>, Status> {
            Ok(ran())
        }
    }

    #[derive(Authenticate)]
    struct Below(#[verifies("bearer")] Tokens);

    #[tonic::async_trait]
    #[authenticated(scheme = "bearer")]
    impl Shape for Below {
        #[strict(scheme = "bearer", scopes("write"))]
        async fn call(&self, _: Request<Text>) -> Result<Response<Text>, Status> {
            Ok(ran())
        }
    }

    async fn holds(server: tonic::transport::server::Router) {
        let server = Running::start(server).await;
        assert_eq!(call(&server, &[]).await.unwrap_err().code(), Code::Unauthenticated);
        assert_eq!(call(&server, EVE).await.unwrap_err().code(), Code::PermissionDenied);
        assert_eq!(call(&server, ADA).await.unwrap(), "ran");
    }

    #[tokio::test]
    async fn holds_with_a_guard() {
        holds(Server::builder().add_service(guard(Renamed(Tokens), ShapeServer::from_arc))).await;
        holds(Server::builder().add_service(guard(WithIdentity(Tokens), ShapeServer::from_arc)))
            .await;
        holds(Server::builder().add_service(guard(MadeByAMacro(Tokens), ShapeServer::from_arc)))
            .await;
        holds(Server::builder().add_service(guard(Below(Tokens), ShapeServer::from_arc))).await;
    }

    #[tokio::test]
    async fn holds_without_a_guard() {
        holds(Server::builder().add_service(ShapeServer::new(Renamed(Tokens)))).await;
        holds(Server::builder().add_service(ShapeServer::new(WithIdentity(Tokens)))).await;
        holds(Server::builder().add_service(ShapeServer::new(MadeByAMacro(Tokens)))).await;
        holds(Server::builder().add_service(ShapeServer::new(Below(Tokens)))).await;
    }
}
