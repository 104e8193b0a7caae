use tonic::{Request, Response, Status};
use tonic_guard::authenticated;

#[authenticated(scheme = "bearer")]
async fn call(_: Request<()>) -> Result<Response<()>, Status> {
    Ok(Response::new(()))
}

fn main() {}
