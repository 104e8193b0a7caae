use tonic::{Request, Response, Status};
use tonic_guard::{Authenticate, authenticated};
use tonic_guard_suite_support::{
    Tokens,
    pb::{Note, extra_server::Extra},
};

#[derive(Authenticate)]
struct Service(#[verifies("bearer")] Tokens);

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Extra for Service {
    async fn unary(&self, request: Request<Note>) -> Result<Response<Note>, Status> {
        Ok(Response::new(request.into_inner()))
    }

    #[authenticated(scheme = "bearer", rpc = "Unary")]
    async fn get_url(&self, request: Request<Note>) -> Result<Response<Note>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

fn main() {}
