use tonic_guard::{Authenticate, scheme::BearerToken};
use tonic_guard_tests::Tokens;

#[derive(Authenticate)]
struct Service {
    #[verifies(BearerToken)]
    tokens: Tokens,
}

fn main() {}
