use tonic::{Response, Status};
use tonic_guard::authenticated;
use tonic_guard_suite_support::Tokens;

#[tonic::async_trait]
trait Local {
    async fn call(&self) -> Result<Response<()>, Status>;
}

#[tonic::async_trait]
impl Local for Tokens {
    #[authenticated(scheme = "bearer")]
    async fn call(&self) -> Result<Response<()>, Status> {
        Ok(Response::new(()))
    }
}

fn main() {}
