use tonic::{Request, Response, Status};
use tonic_guard::authenticated;

#[tonic::async_trait]
trait Local {
    #[authenticated(scheme = "bearer")]
    async fn call(&self, request: Request<()>) -> Result<Response<()>, Status>;
}

fn main() {}
