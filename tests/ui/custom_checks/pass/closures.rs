use tonic::{Request, Response, Status};
use tonic_guard::{AuthError, Authenticate, CallHead, authenticated};
use tonic_guard_suite_support::{
    Tokens, User,
    shapes::{Text, shape_server::Shape},
};

#[derive(Authenticate)]
struct Service(#[verifies("bearer")] Tokens);

impl Service {
    async fn owns(&self, _: &str, _: &str) -> Result<(), AuthError> {
        Ok(())
    }

    async fn generic<const WRITE: bool, M: Sync>(
        &self,
        _: &User,
        _: &Request<M>,
    ) -> Result<(), Status> {
        if WRITE { Err(Status::permission_denied("read-only")) } else { Ok(()) }
    }
}

#[authenticated(
    scheme = "bearer",
    authorize = |_, head: &CallHead<'_>| async move {
        if head.headers().is_empty() { Err(AuthError::denied()) } else { Ok(()) }
    },
    authorize_request = |User { name, .. }, request| self.owns(name, &request.get_ref().text),
)]
#[tonic::async_trait]
impl Shape for Service {
    async fn call(&self, request: Request<Text>) -> Result<Response<Text>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

struct Generic(Tokens);

#[authenticated(scheme = "bearer" via self.0)]
#[tonic::async_trait]
impl Shape for Generic {
    #[authenticated(scheme = default, authorize_request = Self::generic::<false, _>)]
    async fn call(&self, request: Request<Text>) -> Result<Response<Text>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

impl Generic {
    async fn generic<const WRITE: bool, M: Sync>(
        &self,
        _: &User,
        _: &Request<M>,
    ) -> Result<(), Status> {
        if WRITE { Err(Status::permission_denied("read-only")) } else { Ok(()) }
    }
}

fn main() {}
