use tonic_guard::Authenticate;
use tonic_guard_tests::Tokens;

#[derive(Authenticate)]
struct Service {
    #[verifies]
    tokens: Tokens,
}

fn main() {}
