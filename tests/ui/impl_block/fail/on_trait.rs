use tonic::{Request, Response, Status};
use tonic_guard::authenticated;

#[authenticated(scheme = "bearer")]
trait Service {
    async fn call(&self, request: Request<()>) -> Result<Response<()>, Status>;
}

fn main() {}
