//! A trait of one's own, such as Arrow Flight SQL's: the request is the second of two arguments,
//! and some functions have none.

use tonic::{Request, Response, Status};
use tonic_guard::{Authenticate, anonymous, authenticated};
use tonic_guard_tests::{Tokens, User};

use crate::{
    holds_alone,
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
async fn strangers_are_refused() {
    holds_alone(Server(Flight(Tokens))).await;
    holds_alone(Server(FlightOnImpl(Tokens))).await;
}
