//! The roles of Keycloak's tokens: those of the realm and of one client.

use serde_json::json;
use tonic::{Request, Response, Status, transport::Server};
use tonic_guard::{
    Authenticate, HasRoles, HasScopes, Immediate, authenticated, guard,
    jwt::{JwtVerifier, KeySet, KeycloakCaller, KeycloakVerifier},
};
use tonic_guard_test::Issuer;
use tonic_guard_verifier_tests::{
    Serving,
    pb::{
        Name, Void,
        accounts_server::{Accounts, AccountsServer},
    },
};

use crate::support::{INVALID, bearer_token, verify};

const REALM: &str = "https://id.example/realms/shop";
const DENIED: &str = "PermissionDenied PERMISSION_DENIED";

#[derive(Authenticate)]
struct Guarded {
    #[verifies("bearer")]
    tokens: KeycloakVerifier,
}

#[authenticated(scheme = "bearer", roles("admin"))]
#[tonic::async_trait]
impl Accounts for Guarded {
    async fn whoami(
        &self,
        _: Request<Void>,
        #[identity] caller: KeycloakCaller,
    ) -> Result<Response<Name>, Status> {
        let name = caller.claims().subject().unwrap_or_default().to_owned();
        Ok(Response::new(Name { name }))
    }

    async fn close(&self, _: Request<Void>) -> Result<Response<Name>, Status> {
        Ok(Response::new(Name::default()))
    }
}

fn verifier(issuer: &Issuer) -> KeycloakVerifier {
    let keys = KeySet::from_jwks(issuer.jwks()).unwrap();
    KeycloakVerifier::new(JwtVerifier::any_jwt(REALM, "orders").build(keys), "orders")
}

#[tokio::test]
async fn role_of_another_client_is_denied() {
    let issuer = Issuer::new(REALM);
    let guarded = guard(Guarded { tokens: verifier(&issuer) }, AccountsServer::from_arc);
    let serving = Serving::start(Server::builder().add_service(guarded)).await;
    let roles = |names: &[&str]| json!({"roles": names});
    let token = |realm: serde_json::Value, clients: serde_json::Value| {
        let token = issuer.plain_jwt("orders").claim("typ", "Bearer");
        token.claim("realm_access", realm).claim("resource_access", clients)
    };
    for (realm, clients) in [
        (roles(&["admin"]), json!({})),
        (roles(&[]), json!({"orders": roles(&["admin"]), "other": roles(&[])})),
        (json!({}), json!({"orders": roles(&["clerk", "admin"])})),
    ] {
        let outcome = serving.bearer(&token(realm.clone(), clients.clone()).sign()).await;
        assert_eq!(outcome, Ok("ada".into()), "{realm} {clients}");
    }
    for (realm, clients) in [
        (roles(&[]), json!({"other": roles(&["admin"]), "account": roles(&["admin"])})),
        (roles(&["administrator", "Admin", ""]), json!({"orders": roles(&["clerk"])})),
        (roles(&["clerk"]), json!({"orders-v2": roles(&["admin"])})),
        (json!({}), json!({"Orders": roles(&["admin"])})),
    ] {
        let outcome = serving.bearer(&token(realm.clone(), clients.clone()).sign()).await;
        assert_eq!(outcome, Err(DENIED.into()), "{realm} {clients}");
    }
    let without = issuer.plain_jwt("orders").sign();
    assert_eq!(serving.bearer(&without).await, Err(DENIED.into()));
    for (realm, clients) in [(roles(&["admin"]), json!([])), (json!({"roles": "admin"}), json!({}))]
    {
        let outcome = serving.bearer(&token(realm, clients).sign()).await;
        assert_eq!(outcome, Err(INVALID.into()), "roles of the wrong type");
    }
    let impostor = Issuer::new(REALM);
    let forged = impostor.plain_jwt("orders").claim("realm_access", roles(&["admin"]));
    assert_eq!(serving.bearer(&forged.sign()).await, Err(INVALID.into()));
}

#[tokio::test]
async fn roles_are_those_of_the_realm_and_of_the_client() {
    let issuer = Issuer::new(REALM);
    let token = issuer
        .plain_jwt("orders")
        .scope("orders:read")
        .claim("realm_access", json!({"roles": ["staff"]}))
        .claim(
            "resource_access",
            json!({"orders": {"roles": ["clerk"]}, "other": {"roles": ["x"]}}),
        )
        .sign();
    let caller = verify(&verifier(&issuer), &token).await.unwrap();
    assert_eq!(caller.roles().collect::<Vec<_>>(), ["staff", "clerk"]);
    assert_eq!(caller.claims().extra().client("other").collect::<Vec<_>>(), ["x"]);
    assert_eq!(caller.claims().extra().realm().collect::<Vec<_>>(), ["staff"]);
    assert!(caller.has_role(&"staff") && caller.has_role(&"clerk".to_owned()));
    assert!(!caller.has_role(&"x"));
    assert!(caller.has_scope("orders:read") && !caller.has_scope("orders:write"));
    assert!(!format!("{caller:?}").contains("clerk"));
}

#[tokio::test]
async fn cached_token_is_decided_without_waiting() {
    let issuer = Issuer::new(REALM);
    let verifier = verifier(&issuer);
    let token = bearer_token(&issuer.plain_jwt("orders").sign());
    let first = verifier.authenticate_now(token.clone());
    assert!(matches!(first, Immediate::Deferred(_)), "the token isn't verified yet");
    drop(verifier.authenticate(token.clone()).await.unwrap());
    let second = verifier.authenticate_now(token);
    assert!(matches!(second, Immediate::Decided(Ok(_))), "the token is cached");
}
