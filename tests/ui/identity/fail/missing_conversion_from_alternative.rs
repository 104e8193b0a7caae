use tonic::{Request, Response, Status};
use tonic_guard::{Authenticate, authenticated};
use tonic_guard_suite_support::{
    Keys, Tokens, User,
    shapes::{Text, shape_server::Shape},
};

#[derive(Authenticate)]
struct Service {
    #[verifies("bearer")]
    tokens: Tokens,
    #[verifies("api-key")]
    keys: Keys,
}

#[authenticated(scheme = one_of("bearer", "api-key"))]
#[tonic::async_trait]
impl Shape for Service {
    async fn call(
        &self,
        request: Request<Text>,
        #[identity] caller: User,
    ) -> Result<Response<Text>, Status> {
        drop(caller);
        Ok(Response::new(request.into_inner()))
    }
}

fn main() {}
