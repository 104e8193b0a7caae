use tonic_guard::Authenticate;
use tonic_guard_suite_support::Tokens;

#[derive(Authenticate)]
struct Service {
    #[verifies("bearer")]
    users: Tokens,
    #[verifies("bearer")]
    admins: Tokens,
}

fn main() {}
