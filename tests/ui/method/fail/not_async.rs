use tonic::{Request, Response, Status};
use tonic_guard::authenticated;
use tonic_guard_suite_support::Tokens;

trait Local {
    fn call(&self, request: Request<()>) -> Result<Response<()>, Status>;
}

impl Local for Tokens {
    #[authenticated(scheme = "bearer")]
    fn call(&self, _: Request<()>) -> Result<Response<()>, Status> {
        Ok(Response::new(()))
    }
}

fn main() {}
