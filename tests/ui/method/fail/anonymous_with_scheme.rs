use tonic::{Request, Response, Status};
use tonic_guard::anonymous;
use tonic_guard_suite_support::Tokens;

#[tonic::async_trait]
trait Local {
    async fn call(&self, request: Request<()>) -> Result<Response<()>, Status>;
}

#[tonic::async_trait]
impl Local for Tokens {
    #[anonymous(scheme = "bearer")]
    async fn call(&self, request: Request<()>) -> Result<Response<()>, Status> {
        drop(request);
        Ok(Response::new(()))
    }
}

fn main() {}
