use tonic_guard::Authenticate;
use tonic_guard_suite_support::{Keys, Tokens};

#[derive(Authenticate)]
#[verifies(crate = tonic_guard)]
struct Service<'a, T: ?Sized> {
    #[verifies("bearer")]
    tokens: &'a Tokens,
    #[verifies(tonic_guard::scheme::ApiKey)]
    keys: Keys,
    rest: Box<T>,
}

fn main() {}
