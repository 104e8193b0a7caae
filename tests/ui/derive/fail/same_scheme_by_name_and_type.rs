use tonic_guard::Authenticate;
use tonic_guard_suite_support::Tokens;

#[derive(Authenticate)]
struct Service {
    #[verifies("bearer")]
    users: Tokens,
    #[verifies(tonic_guard::scheme::Bearer)]
    admins: Tokens,
}

fn main() {}
