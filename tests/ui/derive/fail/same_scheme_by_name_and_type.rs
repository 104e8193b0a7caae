use tonic_guard::Authenticate;
use tonic_guard_tests::Tokens;

#[derive(Authenticate)]
struct Service {
    #[verifies("bearer")]
    users: Tokens,
    #[verifies(tonic_guard::scheme::Bearer)]
    admins: Tokens,
}

fn main() {}
