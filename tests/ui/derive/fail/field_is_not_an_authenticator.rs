use tonic_guard::Authenticate;
use tonic_guard_tests::Keys;

#[derive(Authenticate)]
struct Service {
    #[verifies("bearer")]
    keys: Keys,
}

fn main() {}
