use tonic_guard::Authenticate;
use tonic_guard_tests::Tokens;

#[derive(Authenticate)]
struct Service {
    #[verifies("jwt")]
    tokens: Tokens,
}

fn main() {}
