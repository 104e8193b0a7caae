// A derived service is as visible as its verifiers. A private verifier needs an impl by hand.

use tonic_guard::Authenticate;

mod service {
    use super::Authenticate;
    use tonic_guard::{
        AuthError, Authenticated,
        scheme::{Bearer, BearerToken},
    };

    pub(crate) struct Tokens;

    impl Authenticate<Bearer> for Tokens {
        type Identity = ();

        async fn authenticate(&self, _: BearerToken) -> Result<Authenticated<()>, AuthError> {
            Err(AuthError::invalid())
        }
    }

    #[derive(Authenticate)]
    pub(crate) struct Derived {
        #[verifies("bearer")]
        pub(crate) tokens: Tokens,
    }

    struct Hidden;

    impl Authenticate<Bearer> for Hidden {
        type Identity = ();

        async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<()>, AuthError> {
            Tokens.authenticate(token).await
        }
    }

    pub struct ByHand {
        tokens: Hidden,
    }

    impl ByHand {
        pub fn new() -> Self {
            ByHand { tokens: Hidden }
        }
    }

    impl Authenticate<Bearer> for ByHand {
        type Identity = ();

        async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<()>, AuthError> {
            self.tokens.authenticate(token).await
        }
    }
}

fn authenticates<T: Authenticate<tonic_guard::scheme::Bearer>>(_: &T) {}

fn main() {
    authenticates(&service::Derived { tokens: service::Tokens });
    authenticates(&service::ByHand::new());
}
