use tonic::{Request, Response, Status};
use tonic_guard::{Authenticate, authenticated};
use tonic_guard_suite_support::{
    Keys, User,
    shapes::{Text, shape_server::Shape},
};

#[derive(Authenticate)]
struct Service {
    #[verifies("api-key")]
    keys: Keys,
}

impl Service {
    async fn check(&self, _: &User, _: &Request<Text>) -> Result<(), Status> {
        Ok(())
    }
}

#[authenticated(scheme = "bearer", authorize_request = Self::check)]
#[tonic::async_trait]
impl Shape for Service {
    async fn call(&self, request: Request<Text>) -> Result<Response<Text>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

fn main() {}
