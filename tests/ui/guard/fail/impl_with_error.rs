use tonic::{Request, Response, Status};
use tonic_guard::{Authenticate, authenticated, guard};
use tonic_guard_suite_support::{
    Tokens,
    shapes::{
        Text,
        shape_server::{Shape, ShapeServer},
    },
};

#[derive(Authenticate)]
struct Service(#[verifies("bearer")] Tokens);

#[authenticated(schema = "bearer")]
#[tonic::async_trait]
impl Shape for Service {
    async fn call(&self, request: Request<Text>) -> Result<Response<Text>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

fn main() {
    guard(Service(Tokens), ShapeServer::from_arc);
}
