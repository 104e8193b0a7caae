//! The verifier's reason for a bad token reaches the caller, however the verifier is stored.

use std::sync::Arc;

use tonic::{Request, Response, Status, transport::Server};
use tonic_guard::{
    AuthError, Authenticate, Authenticated, BoxAuthenticator, authenticated, guard,
    jwt::{Claims, JwtVerifier, KeySet},
    scheme::{Bearer, BearerToken},
};
use tonic_guard_test::Issuer;
use tonic_guard_verifier_tests::{
    Serving,
    pb::{
        Name, Void,
        accounts_server::{Accounts, AccountsServer},
    },
};

use crate::support::{AUDIENCE, INVALID, ISSUER};

fn verifier() -> JwtVerifier<Claims> {
    let keys = KeySet::from_jwks(Issuer::new(ISSUER).jwks()).unwrap();
    JwtVerifier::access_tokens(ISSUER, AUDIENCE).build(keys)
}

fn forged() -> String {
    Issuer::new(ISSUER).access_token(AUDIENCE).sign()
}

#[tokio::test]
async fn reason_is_kept_in_a_pointer_a_box_and_a_reference() {
    let leaked: &'static JwtVerifier<Claims> = Box::leak(Box::new(verifier()));
    let boxed: BoxAuthenticator<Bearer, Claims> = BoxAuthenticator::new(verifier());
    let answers = [
        Serving::bearers(verifier()).await.bearer(&forged()).await,
        Serving::bearers(Arc::new(verifier())).await.bearer(&forged()).await,
        Serving::bearers(leaked).await.bearer(&forged()).await,
        Serving::bearers(boxed.clone()).await.bearer(&forged()).await,
        Serving::bearers(Arc::new(boxed)).await.bearer(&forged()).await,
    ];
    for answer in answers {
        assert_eq!(answer, Err(INVALID.into()));
    }
}

/// Gives no reason.
struct Opaque;

impl Authenticate<Bearer> for Opaque {
    type Identity = Claims;

    async fn authenticate(&self, _: BearerToken) -> Result<Authenticated<Claims>, AuthError> {
        Err(AuthError::invalid())
    }
}

#[tokio::test]
async fn default_reason_is_the_schemes() {
    let outcome = Serving::bearers(Opaque).await.bearer("token").await;
    assert_eq!(outcome, Err("Unauthenticated CREDENTIALS_INVALID".into()));
}

struct Via {
    tokens: JwtVerifier<Claims>,
}

#[authenticated(scheme = "bearer" via self.tokens)]
#[tonic::async_trait]
impl Accounts for Via {
    async fn whoami(&self, _: Request<Void>) -> Result<Response<Name>, Status> {
        Ok(Response::new(Name::default()))
    }

    async fn close(&self, _: Request<Void>) -> Result<Response<Name>, Status> {
        Ok(Response::new(Name::default()))
    }
}

#[tokio::test]
async fn reason_is_kept_with_via_and_in_the_handler_check() {
    let guarded = guard(Via { tokens: verifier() }, AccountsServer::from_arc);
    let serving = Serving::start(Server::builder().add_service(guarded)).await;
    assert_eq!(serving.bearer(&forged()).await, Err(INVALID.into()));
    let without_guard = AccountsServer::new(Via { tokens: verifier() });
    let serving = Serving::start(Server::builder().add_service(without_guard)).await;
    assert_eq!(serving.bearer(&forged()).await, Err(INVALID.into()));
}
