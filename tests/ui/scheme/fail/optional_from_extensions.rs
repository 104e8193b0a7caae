use tonic::{Request, Response, Status};
use tonic_guard::{
    Authenticate, authenticated,
    scheme::{FromExtensions, TrustExtension},
};
use tonic_guard_suite_support::{
    Tokens, User,
    shapes::{Text, shape_server::Shape},
};

#[derive(Authenticate)]
struct Service(#[verifies("bearer")] Tokens);

#[tonic::async_trait]
impl Shape for Service {
    #[authenticated(scheme = optional(FromExtensions::<User>::new() via TrustExtension))]
    async fn call(&self, request: Request<Text>) -> Result<Response<Text>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

fn main() {}
