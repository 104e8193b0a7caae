//! Attributes of other crates on a method: `#[named]` puts a macro before the body, `#[framed]`
//! wraps it.

use async_backtrace::framed;
use function_name::named;
use tonic::{Request, Response, Status};
use tonic_guard::{Authenticate, authenticated};
use tonic_guard_suite_support::{Tokens, User};

use crate::{
    assert_guarded, assert_handler_check,
    pb::{Text, shape_server::Shape},
    ran,
};

mod with_the_attribute_on_the_impl {
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
    async fn unauthenticated_calls_are_rejected() {
        assert_guarded(|| Named(Tokens)).await;
        assert_guarded(|| Framed(Tokens)).await;
    }
}

mod below_authenticated {
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
    async fn unauthenticated_calls_are_rejected() {
        assert_handler_check(Service(Tokens)).await;
    }
}
