use tonic::{Request, Response, Status};
use tonic_guard::{Authenticate, authenticated, scheme::ApiKey};
use tonic_guard_suite_support::{
    Keys,
    shapes::{Text, shape_server::Shape},
};

#[derive(Authenticate)]
struct Service {
    #[verifies("api-key")]
    keys: Keys,
}

#[tonic::async_trait]
impl Shape for Service {
    #[authenticated(scheme = ApiKey::header("authorization"))]
    async fn call(&self, request: Request<Text>) -> Result<Response<Text>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

fn main() {}
