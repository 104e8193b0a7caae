use tonic::{Request, Response, Status};
use tonic_guard::{AuthError, Authenticate, CallHead, authenticated};
use tonic_guard_suite_support::{
    Tokens, User,
    shapes::{Text, shape_server::Shape},
};

#[derive(Authenticate)]
struct Service(#[verifies("bearer")] Tokens);

impl Service {
    async fn known(&self, _: &User, _: &CallHead<'_>) -> Result<(), AuthError> {
        Ok(())
    }

    async fn owns(&self, _: &User, _: &Request<Text>) -> Result<(), AuthError> {
        Ok(())
    }
}

#[authenticated(scheme = "bearer", authorize = Self::known, authorize_request = Self::owns)]
#[tonic::async_trait]
impl Shape for Service {
    #[authenticated(scheme = "bearer", scopes("write"))]
    async fn call(&self, request: Request<Text>) -> Result<Response<Text>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

fn main() {}
