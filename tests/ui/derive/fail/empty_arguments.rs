use tonic_guard::Authenticate;
use tonic_guard_suite_support::Tokens;

#[derive(Authenticate)]
struct Service {
    #[verifies()]
    tokens: Tokens,
}

fn main() {}
