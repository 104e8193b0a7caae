//! Attributes of others on a method: `#[named]` puts a macro before the body, `#[framed]` wraps it.

use async_backtrace::framed;
use function_name::named;
use tonic::{Request, Response, Status};
use tonic_guard::{Authenticate, authenticated};
use tonic_guard_tests::{Tokens, User};

use crate::{
    holds_alone, holds_at_both_doors,
    pb::{Text, shape_server::Shape},
    ran,
};

mod under_an_impls_attribute {
    use super::*;

    #[derive(Authenticate)]
    struct Named(#[verifies("bearer")] Tokens);

    #[authenticated(scheme = "bearer")]
    #[tonic::async_trait]
    impl Shape for Named {
        #[named]
        async fn call(
            &self,
            _: Request<Text>,
            #[identity] caller: User,
        ) -> Result<Response<Text>, Status> {
            assert_eq!((function_name!(), caller.name.as_str()), ("call", "ada"));
            Ok(ran())
        }
    }

    #[derive(Authenticate)]
    struct Framed(#[verifies("bearer")] Tokens);

    #[authenticated(scheme = "bearer")]
    #[tonic::async_trait]
    impl Shape for Framed {
        #[framed]
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
    async fn strangers_are_refused() {
        holds_at_both_doors(|| Named(Tokens)).await;
        holds_at_both_doors(|| Framed(Tokens)).await;
    }
}

mod below_ours {
    use super::*;

    #[derive(Authenticate)]
    struct Service(#[verifies("bearer")] Tokens);

    #[tonic::async_trait]
    impl Shape for Service {
        #[authenticated(scheme = "bearer")]
        #[named]
        #[framed]
        async fn call(
            &self,
            _: Request<Text>,
            #[identity] caller: User,
        ) -> Result<Response<Text>, Status> {
            assert_eq!((function_name!(), caller.name.as_str()), ("call", "ada"));
            Ok(ran())
        }
    }

    #[tokio::test]
    async fn strangers_are_refused() {
        holds_alone(Service(Tokens)).await;
    }
}
