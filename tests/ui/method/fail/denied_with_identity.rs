use tonic::{Request, Response, Status};
use tonic_guard::{Authenticate, authenticated};
use tonic_guard_suite_support::{
    Tokens, User,
    shapes::{Text, shape_server::Shape},
};

#[derive(Authenticate)]
struct Service(#[verifies("bearer")] Tokens);
#[authenticated]
#[tonic::async_trait]
impl Shape for Service {
    #[denied(reason = "moved")]
    async fn call(
        &self,
        request: Request<Text>,
        #[identity] caller: User,
    ) -> Result<Response<Text>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

fn main() {}
