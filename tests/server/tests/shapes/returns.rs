//! The return types of methods.

use tonic::{Request, Status};
use tonic_guard::{Authenticate, authenticated};
use tonic_guard_suite_support::Tokens;

use crate::{
    assert_guarded, assert_handler_check,
    pb::{Text, shape_server::Shape},
    ran,
};

mod with_an_alias {
    use super::*;

    /// A `Result` under the name of tonic's `Response`, as in some projects.
    type Response<T> = Result<tonic::Response<T>, Status>;

    #[derive(Authenticate)]
    struct Service(#[verifies("bearer")] Tokens);

    #[authenticated(scheme = "bearer")]
    #[tonic::async_trait]
    impl Shape for Service {
        async fn call(&self, _: Request<Text>) -> Response<Text> {
            Ok(ran())
        }
    }

    #[derive(Authenticate)]
    struct OnMethod(#[verifies("bearer")] Tokens);

    #[tonic::async_trait]
    impl Shape for OnMethod {
        #[authenticated(scheme = "bearer")]
        async fn call(&self, _: Request<Text>) -> Response<Text> {
            Ok(ran())
        }
    }

    #[tokio::test]
    async fn unauthenticated_calls_are_rejected() {
        assert_guarded(|| Service(Tokens)).await;
        assert_handler_check(OnMethod(Tokens)).await;
    }
}

/// A trait whose methods return types that tonic's traits don't.
mod with_another_return_type {
    use super::*;

    #[derive(Debug)]
    enum MyError {
        Rejected(Status),
        Odd,
    }

    impl From<Status> for MyError {
        fn from(status: Status) -> Self {
            MyError::Rejected(status)
        }
    }

    impl From<MyError> for Status {
        fn from(error: MyError) -> Self {
            match error {
                MyError::Rejected(status) => status,
                MyError::Odd => Status::internal("odd"),
            }
        }
    }

    type Fallible<T, E = MyError> = Result<T, E>;

    #[tonic::async_trait]
    trait Updates: Send + Sync + 'static {
        async fn count(&self, request: Request<Text>) -> Result<i64, Status>;
        async fn unit(&self, request: Request<Text>) -> Result<(), Status>;
        async fn typed(&self, request: Request<Text>) -> Result<tonic::Response<Text>, MyError>;
        async fn aliased(&self, request: Request<Text>) -> Fallible<tonic::Response<Text>>;
    }

    #[derive(Authenticate)]
    struct Service(#[verifies("bearer")] Tokens);

    #[tonic::async_trait]
    impl Updates for Service {
        #[authenticated(scheme = "bearer")]
        async fn count(&self, request: Request<Text>) -> Result<i64, Status> {
            Ok(request.get_ref().text.len() as i64)
        }

        #[authenticated(scheme = "bearer")]
        async fn unit(&self, _request: Request<Text>) -> Result<(), Status> {
            Ok(())
        }

        #[authenticated(scheme = "bearer")]
        async fn typed(&self, request: Request<Text>) -> Result<tonic::Response<Text>, MyError> {
            if request.get_ref().text.is_empty() { Err(MyError::Odd) } else { Ok(ran()) }
        }

        #[authenticated(scheme = "bearer")]
        async fn aliased(&self, request: Request<Text>) -> Fallible<tonic::Response<Text>> {
            if request.get_ref().text.is_empty() {
                Err(MyError::Odd)?
            }
            Ok(ran())
        }
    }

    /// Calls one method of [`Updates`], so that it is reached over the wire.
    struct Server(Service, fn(&Service, Request<Text>) -> Answer<'_>);

    type Answer<'a> =
        std::pin::Pin<Box<dyn Future<Output = Result<tonic::Response<Text>, Status>> + Send + 'a>>;

    #[tonic::async_trait]
    impl Shape for Server {
        async fn call(&self, request: Request<Text>) -> Result<tonic::Response<Text>, Status> {
            (self.1)(&self.0, request).await
        }
    }

    #[tokio::test]
    async fn unauthenticated_calls_are_rejected() {
        assert_handler_check(Server(Service(Tokens), |service, request| {
            Box::pin(async { service.count(request).await.map(|_| ran()) })
        }))
        .await;
        assert_handler_check(Server(Service(Tokens), |service, request| {
            Box::pin(async { service.unit(request).await.map(|()| ran()) })
        }))
        .await;
        assert_handler_check(Server(Service(Tokens), |service, request| {
            Box::pin(async { Ok(service.typed(request).await?) })
        }))
        .await;
        assert_handler_check(Server(Service(Tokens), |service, request| {
            Box::pin(async { Ok(service.aliased(request).await?) })
        }))
        .await;
    }
}
