use tonic_guard::Authenticate;
use tonic_guard_suite_support::Tokens;

#[derive(Authenticate)]
enum Service {
    One(Tokens),
}

fn main() {}
