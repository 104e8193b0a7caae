use tonic::{Request, Response, Status};
use tonic_guard::{AuthError, Authenticate, CallHead, authenticated};
use tonic_guard_suite_support::{
    Caller, Keys, Tokens,
    shapes::{Text, shape_server::Shape},
};

#[derive(Authenticate)]
struct Service {
    #[verifies("bearer")]
    tokens: Tokens,
    #[verifies("api-key")]
    keys: Keys,
}

impl Service {
    async fn known(&self, _: &Caller, _: &CallHead<'_>) -> Result<(), AuthError> {
        Ok(())
    }
}

#[authenticated(scheme = one_of("bearer", "api-key"), authorize = Self::known)]
#[tonic::async_trait]
impl Shape for Service {
    async fn call(&self, request: Request<Text>) -> Result<Response<Text>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

fn main() {}
