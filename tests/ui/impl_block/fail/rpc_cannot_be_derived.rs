use tonic::{Request, Response, Status};
use tonic_guard::{Authenticate, authenticated};
use tonic_guard_suite_support::Tokens;

#[tonic::async_trait]
trait Names {
    async fn call_1(&self, request: Request<()>) -> Result<Response<()>, Status>;
    async fn get_u_r_l(&self, request: Request<()>) -> Result<Response<()>, Status>;
    async fn v_2(&self, request: Request<()>) -> Result<Response<()>, Status>;
    async fn get_url(&self, request: Request<()>) -> Result<Response<()>, Status>;
    async fn open(&self, request: Request<()>) -> Result<Response<()>, Status>;
}

#[derive(Authenticate)]
struct Service(#[verifies("bearer")] Tokens);

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Names for Service {
    async fn call_1(&self, _: Request<()>) -> Result<Response<()>, Status> {
        Ok(Response::new(()))
    }

    #[anonymous(reason = "everyone may look")]
    async fn get_u_r_l(&self, _: Request<()>) -> Result<Response<()>, Status> {
        Ok(Response::new(()))
    }

    #[denied(reason = "moved")]
    async fn v_2(&self, _: Request<()>) -> Result<Response<()>, Status> {}

    async fn get_url(&self, _: Request<()>) -> Result<Response<()>, Status> {
        Ok(Response::new(()))
    }

    #[anonymous(reason = "everyone may look", rpc = "GetURL")]
    async fn open(&self, _: Request<()>) -> Result<Response<()>, Status> {
        Ok(Response::new(()))
    }
}

fn main() {}
