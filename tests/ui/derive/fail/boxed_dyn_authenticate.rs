use tonic_guard::{Authenticate, scheme::Bearer};
use tonic_guard_suite_support::User;

#[derive(Authenticate)]
struct Service {
    #[verifies("bearer")]
    tokens: Box<dyn Authenticate<Bearer, Identity = User>>,
}

fn main() {}
