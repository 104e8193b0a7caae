use tonic::{Request, Response, Status};
use tonic_guard::anonymous;
use tonic_guard_suite_support::{Tokens, User};

#[tonic::async_trait]
trait Local {
    async fn call(&self, request: Request<()>) -> Result<Response<()>, Status>;
}

#[tonic::async_trait]
impl Local for Tokens {
    #[anonymous(reason = "probe")]
    async fn call(
        &self,
        request: Request<()>,
        #[identity] caller: User,
    ) -> Result<Response<()>, Status> {
        drop((request, caller));
        Ok(Response::new(()))
    }
}

fn main() {}
