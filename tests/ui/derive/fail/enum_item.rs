use tonic_guard::Authenticate;
use tonic_guard_tests::Tokens;

#[derive(Authenticate)]
enum Service {
    One(Tokens),
}

fn main() {}
