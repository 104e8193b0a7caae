use tonic::{Request, Response, Status};
use tonic_guard::{AuthError, Authenticate, authenticated};
use tonic_guard_suite_support::{
    Tokens, User,
    shapes::{Text, shape_server::Shape},
};

#[derive(Authenticate)]
struct Service(#[verifies("bearer")] Tokens);

impl Service {
    async fn owns(&self, _: &User, _: &str) -> Result<(), AuthError> {
        Ok(())
    }
}

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Shape for Service {
    #[authenticated(scheme = "bearer", authorize_request = async |caller, _| self.owns(caller, "").await)]
    async fn call(&self, request: Request<Text>) -> Result<Response<Text>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

fn main() {}
