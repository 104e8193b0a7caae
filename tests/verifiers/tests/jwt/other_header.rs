//! Tokens that a proxy puts into another header than `authorization`.

use tonic::{Request, Response, Status, transport::Server};
use tonic_guard::{
    Authenticate, authenticated, guard,
    jwt::{Audience, Claims, JwtVerifier, KeySet},
    scheme::Bearer,
};
use tonic_guard_suite_support::code_and_reason;
use tonic_guard_test::Issuer;
use tonic_guard_verifier_tests::{
    Named, Serving,
    pb::{
        Name, Void,
        accounts_server::{Accounts, AccountsServer},
    },
};

use crate::support::{AUDIENCE, INVALID, ISSUER};

const HEADER: &str = "x-goog-iap-jwt-assertion";

/// A service behind a proxy that passes a token in [`HEADER`].
#[derive(Authenticate)]
struct Proxied {
    #[verifies("bearer")]
    tokens: JwtVerifier,
}

#[authenticated(scheme = Bearer::in_header("x-goog-iap-jwt-assertion"))]
#[tonic::async_trait]
impl Accounts for Proxied {
    async fn whoami(
        &self,
        _: Request<Void>,
        #[identity] caller: Claims,
    ) -> Result<Response<Name>, Status> {
        Ok(Response::new(Name { name: caller.name() }))
    }

    async fn close(&self, _: Request<Void>) -> Result<Response<Name>, Status> {
        Ok(Response::new(Name::default()))
    }
}

async fn call(audience: Audience, issuer: &Issuer, header: &str) -> Result<String, String> {
    let keys = KeySet::from_jwks(issuer.jwks()).unwrap();
    let tokens: JwtVerifier = JwtVerifier::access_tokens(ISSUER, audience).build(keys);
    let guarded = guard(Proxied { tokens }, AccountsServer::from_arc);
    let serving = Serving::start(Server::builder().add_service(guarded)).await;
    let token = issuer.access_token(AUDIENCE).claim("project", "acme").sign();
    // Twice, because the second may be answered from the cache.
    let first = serving.whoami(&[(header, &token)]).await;
    let second = serving.whoami(&[(header, &token)]).await;
    let outcome =
        |result: Result<String, Status>| result.map_err(|status| code_and_reason(&status));
    let (first, second) = (outcome(first), outcome(second));
    assert_eq!(first, second);
    first
}

#[tokio::test]
async fn token_in_the_header_of_a_proxy_is_admitted_by_signature_and_audience() {
    let issuer = Issuer::new(ISSUER);
    assert_eq!(call(AUDIENCE.into(), &issuer, HEADER).await, Ok("ada".into()));
    let other = call("https://other.example".into(), &issuer, HEADER).await;
    assert_eq!(other, Err(INVALID.into()));
    let missing = call(AUDIENCE.into(), &issuer, "x-user").await;
    assert_eq!(missing, Err("Unauthenticated CREDENTIALS_MISSING".into()));
}

#[tokio::test]
async fn waived_audience_admits_no_token_in_the_header_of_a_proxy() {
    let issuer = Issuer::new(ISSUER);
    let waived = Audience::waived("project", ["acme"]);
    assert_eq!(call(waived, &issuer, HEADER).await, Err(INVALID.into()));
}
