use tonic_guard::{Authenticate, scheme::BearerToken};
use tonic_guard_suite_support::Tokens;

#[derive(Authenticate)]
struct Service {
    #[verifies(BearerToken)]
    tokens: Tokens,
}

fn main() {}
