use std::pin::Pin;
use tonic::{Request, Response, Status};
use tonic_guard::authenticated;
use tonic_guard_suite_support::Tokens;

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

trait Local {
    fn call(&self, request: Request<()>) -> BoxFuture<'_, Result<Response<()>, Status>>;
}

impl Local for Tokens {
    #[authenticated(scheme = "bearer")]
    fn call(&self, request: Request<()>) -> BoxFuture<'_, Result<Response<()>, Status>> {
        Box::pin(async { Ok(Response::new(request.into_inner())) })
    }
}

fn main() {}
