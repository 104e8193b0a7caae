use tonic_guard::Authenticate;
use tonic_guard_suite_support::Tokens;

#[derive(Authenticate)]
#[verifies("bearer")]
struct Service {
    tokens: Tokens,
}

fn main() {}
