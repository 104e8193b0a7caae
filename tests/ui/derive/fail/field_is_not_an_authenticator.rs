use tonic_guard::Authenticate;
use tonic_guard_suite_support::Keys;

#[derive(Authenticate)]
struct Service {
    #[verifies("bearer")]
    keys: Keys,
}

fn main() {}
