use tonic::{Request, Response, Status};
use tonic_guard::{AuthError, Authenticate, authenticated};
use tonic_guard_suite_support::{
    Tokens, User,
    shapes::{Text, shape_server::Shape},
};

#[derive(Authenticate)]
struct Service(#[verifies("bearer")] Tokens);

struct Order;

impl Service {
    async fn find(&self, _: &User, _: &Request<Text>) -> Result<Order, AuthError> {
        Ok(Order)
    }
}

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Shape for Service {
    async fn call(
        &self,
        request: Request<Text>,
        #[identity] _: User,
        #[authorized(Self::find)] _order: String,
    ) -> Result<Response<Text>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

fn main() {}
