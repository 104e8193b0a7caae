use tonic::{Request, Response, Status};
use tonic_guard::{Authenticate, authenticated};
use tonic_guard_suite_support::{
    Tokens,
    shapes::{Text, shape_server::Shape},
};

#[derive(Authenticate)]
struct Service(#[verifies("bearer")] Tokens);

#[authenticated]
#[tonic::async_trait]
impl Shape for Service {
    #[denied(reason = "moved")]
    #[authenticated(scheme = "bearer")]
    async fn call(&self, request: Request<Text>) -> Result<Response<Text>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

fn main() {}
