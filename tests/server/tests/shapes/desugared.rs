//! Methods whose `async fn` was desugared by hand.

use std::{boxed, pin::Pin};

use tonic::{Request, Response, Status};
use tonic_guard::{Authenticate, authenticated};
use tonic_guard_suite_support::{Tokens, User};

use crate::{
    assert_guarded, assert_handler_check,
    pb::{Text, shape_server::Shape},
    ran,
};

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

mod in_the_form_of_async_trait {
    use super::*;

    #[derive(Authenticate)]
    struct Service(#[verifies("bearer")] Tokens);

    #[authenticated(scheme = "bearer")]
    impl Shape for Service {
        fn call<'life0, 'async_trait>(
            &'life0 self,
            request: Request<Text>,
            #[identity] caller: User,
        ) -> Pin<Box<dyn Future<Output = Result<Response<Text>, Status>> + Send + 'async_trait>>
        where
            'life0: 'async_trait,
            Self: 'async_trait,
        {
            Box::pin(async move {
                let Tokens = self.0;
                assert_eq!((request.get_ref().text.as_str(), caller.name.as_str()), ("hi", "ada"));
                Ok(ran())
            })
        }
    }

    #[derive(Authenticate)]
    struct OnMethod(#[verifies("bearer")] Tokens);

    impl Shape for OnMethod {
        #[authenticated(scheme = "bearer")]
        fn call<'life0, 'async_trait>(
            &'life0 self,
            _: Request<Text>,
        ) -> Pin<Box<dyn Future<Output = Result<Response<Text>, Status>> + Send + 'async_trait>>
        where
            'life0: 'async_trait,
            Self: 'async_trait,
        {
            boxed::Box::pin(async move { Ok(ran()) })
        }
    }

    #[tokio::test]
    async fn unauthenticated_calls_are_rejected() {
        assert_guarded(|| Service(Tokens)).await;
        assert_handler_check(OnMethod(Tokens)).await;
    }
}

mod with_an_alias {
    use super::*;

    trait Plain: Send + Sync + 'static {
        fn call(&self, request: Request<Text>) -> BoxFuture<'_, Result<Response<Text>, Status>>;
    }

    #[derive(Authenticate)]
    struct Service(#[verifies("bearer")] Tokens);

    impl Plain for Service {
        #[authenticated(scheme = "bearer")]
        fn call(&self, request: Request<Text>) -> BoxFuture<'_, Result<Response<Text>, Status>> {
            Box::pin(async move {
                if request.get_ref().text.is_empty() {
                    return Err(Status::invalid_argument("empty"));
                }
                Ok(ran())
            })
        }
    }

    /// The body begins as async_trait's expansion does, but isn't one.
    struct Begins(Service);

    impl Plain for Begins {
        #[authenticated(scheme = "bearer" via self.0)]
        fn call(&self, request: Request<Text>) -> BoxFuture<'_, Result<Response<Text>, Status>> {
            Box::pin(async move {
                if let Some(text) = Some(request.get_ref().text.clone()) {
                    assert_eq!(text, "hi");
                    return Ok(ran());
                }
                Err(Status::internal("not reached"))
            })
        }
    }

    struct Server<P>(P);

    #[tonic::async_trait]
    impl<P: Plain> Shape for Server<P> {
        async fn call(&self, request: Request<Text>) -> Result<Response<Text>, Status> {
            self.0.call(request).await
        }
    }

    #[tokio::test]
    async fn unauthenticated_calls_are_rejected() {
        assert_handler_check(Server(Service(Tokens))).await;
        assert_handler_check(Server(Begins(Service(Tokens)))).await;
    }
}
