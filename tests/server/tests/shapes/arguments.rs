//! A user-written trait, such as Arrow Flight SQL's: the request is the second of two arguments,
//! and some functions have none.

use tonic::{Request, Response, Status};
use tonic_guard::{Authenticate, anonymous, authenticated};
use tonic_guard_suite_support::{Tokens, User};

use crate::{
    assert_handler_check,
    pb::{Text, shape_server::Shape},
    ran,
};

struct Query(String);

#[tonic::async_trait]
trait FlightSql: Send + Sync + 'static {
    async fn statement(
        &self,
        query: Query,
        request: Request<Text>,
    ) -> Result<Response<Text>, Status>;

    async fn register_info(&self, id: i32, info: &str);
}

#[derive(Authenticate)]
struct Flight(#[verifies("bearer")] Tokens);

#[tonic::async_trait]
impl FlightSql for Flight {
    #[authenticated(scheme = "bearer")]
    async fn statement(
        &self,
        Query(query): Query,
        request: Request<Text>,
        #[identity] caller: User,
    ) -> Result<Response<Text>, Status> {
        assert_eq!((query.as_str(), request.get_ref().text.as_str()), ("hi", "hi"));
        assert_eq!(caller.name, "ada");
        Ok(ran())
    }

    #[anonymous(reason = "not a remote procedure")]
    async fn register_info(&self, _id: i32, _info: &str) {}
}

#[derive(Authenticate)]
struct FlightOnImpl(#[verifies("bearer")] Tokens);

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl FlightSql for FlightOnImpl {
    async fn statement(&self, _: Query, _: Request<Text>) -> Result<Response<Text>, Status> {
        Ok(ran())
    }

    #[anonymous(reason = "not a remote procedure")]
    async fn register_info(&self, _id: i32, _info: &str) {}
}

struct Server<F>(F);

#[tonic::async_trait]
impl<F: FlightSql> Shape for Server<F> {
    async fn call(&self, request: Request<Text>) -> Result<Response<Text>, Status> {
        self.0.register_info(1, "info").await;
        let query = Query(request.get_ref().text.clone());
        self.0.statement(query, request).await
    }
}

#[tokio::test]
async fn unauthenticated_calls_are_rejected() {
    assert_handler_check(Server(Flight(Tokens))).await;
    assert_handler_check(Server(FlightOnImpl(Tokens))).await;
}

/// Methods that are generic, deprecated, or bounded by a `where` clause on `Self`.
mod with_the_attribute_on_the_impl {
    #![deny(warnings)]

    use super::*;

    #[allow(dead_code, reason = "the first of them is called")]
    #[tonic::async_trait]
    trait Loose: Send + Sync + 'static {
        async fn query(
            &self,
            query: impl Into<String> + Send + 'static,
            request: Request<Text>,
        ) -> Result<Response<Text>, Status>;

        #[deprecated]
        async fn old(&self, request: Request<Text>) -> Result<Response<Text>, Status>;

        async fn copied(&self, request: Request<Text>) -> Result<Response<Text>, Status>
        where
            Self: Sized + Clone;
    }

    #[derive(Authenticate)]
    struct Service<T: Send + Sync + 'static>(#[verifies("bearer")] Tokens, T);

    #[authenticated(scheme = "bearer")]
    #[tonic::async_trait]
    impl<T: Send + Sync + 'static> Loose for Service<T> {
        async fn query(
            &self,
            query: impl Into<String> + Send + 'static,
            _: Request<Text>,
        ) -> Result<Response<Text>, Status> {
            let _: String = query.into();
            Ok(ran())
        }

        async fn old(&self, _: Request<Text>) -> Result<Response<Text>, Status> {
            Ok(ran())
        }

        async fn copied(&self, _: Request<Text>) -> Result<Response<Text>, Status>
        where
            Self: Sized + Clone,
        {
            Ok(ran())
        }
    }

    #[tokio::test]
    async fn unauthenticated_calls_are_rejected() {
        let service = Service(Tokens, 0);
        let rejected = service.query("hi", Request::new(Text::default())).await.unwrap_err();
        assert_eq!(rejected.code(), tonic::Code::Unauthenticated);
        let mut request = Request::new(Text::default());
        request.metadata_mut().insert("authorization", "Bearer ada-token".parse().unwrap());
        assert!(service.query("hi", request).await.is_ok());
    }
}
