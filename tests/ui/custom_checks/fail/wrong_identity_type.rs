use tonic::{Request, Response, Status};
use tonic_guard::{AuthError, Authenticate, CallHead, authenticated};
use tonic_guard_suite_support::{
    Partner, Tokens,
    shapes::{Text, shape_server::Shape},
};

#[derive(Authenticate)]
struct Service(#[verifies("bearer")] Tokens);

impl Service {
    async fn known(&self, _: &Partner, _: &CallHead<'_>) -> Result<(), AuthError> {
        Ok(())
    }
}

#[authenticated(scheme = "bearer", authorize = Self::known)]
#[tonic::async_trait]
impl Shape for Service {
    async fn call(&self, request: Request<Text>) -> Result<Response<Text>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

fn main() {}
