use tonic_guard::Authenticate;
use tonic_guard_suite_support::Tokens;

#[derive(Authenticate)]
struct Service {
    tokens: Tokens,
}

fn main() {}
