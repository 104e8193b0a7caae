use tonic_guard::Authenticate;

mod service {
    use super::Authenticate;
    use tonic_guard::{
        AuthError, Authenticated,
        scheme::{Bearer, BearerToken},
    };

    struct Tokens;

    impl Authenticate<Bearer> for Tokens {
        type Identity = ();

        async fn authenticate(&self, _: BearerToken) -> Result<Authenticated<()>, AuthError> {
            Err(AuthError::invalid())
        }
    }

    #[derive(Authenticate)]
    pub(crate) struct Service {
        #[verifies("bearer")]
        tokens: Tokens,
    }
}

fn main() {}
