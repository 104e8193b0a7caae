use std::pin::Pin;

use tonic::{Request, Response, Status};
use tonic_guard::{Authenticate, authenticated};
use tonic_guard_suite_support::{
    Tokens,
    shapes::{Text, shape_server::Shape},
};

type Answer<'f> = Pin<Box<dyn Future<Output = Result<Response<Text>, Status>> + Send + 'f>>;

// Desugared, because async_trait doesn't see the methods of a macro call either.
macro_rules! echo {
    ($name:ident) => {
        fn $name<'s, 'f>(&'s self, request: Request<Text>) -> Answer<'f>
        where
            's: 'f,
            Self: 'f,
        {
            Box::pin(async move { Ok(Response::new(request.into_inner())) })
        }
    };
}

#[derive(Authenticate)]
struct Service(#[verifies("bearer")] Tokens);

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Shape for Service {
    echo!(call);
}

fn main() {}
