use tonic::{Request, Response, Status};
use tonic_guard::authenticated;
use tonic_guard_suite_support::shapes::{Text, shape_server::Shape};

struct Service;

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Shape for Service {
    async fn call(&self, request: Request<Text>) -> Result<Response<Text>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

fn main() {}
