use tonic_guard::{Authenticate, scheme::ApiKey};
use tonic_guard_suite_support::Keys;

#[derive(Authenticate)]
struct Service {
    #[verifies(ApiKey::header("x-ingest-key"))]
    keys: Keys,
}

fn main() {
    let _ = ApiKey::new();
}
