//! The roles of Keycloak's access tokens.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use serde::Deserialize;

use super::verifier::JwtVerifier;
use crate::{
    authenticate::{Authenticate, Authenticated, Immediate},
    error::AuthError,
    evaluate::requirement::{HasRoles, HasScopes},
    scheme::{Bearer, BearerToken},
    verifiers::shared::claims::Claims,
};

/// Verifies Keycloak's access tokens. A caller has the roles of the realm and those of one client.
///
/// The roles of other clients in the token don't count: `admin` of another service isn't `admin` of this one.
///
/// ```
/// # #[tonic::async_trait]
/// # trait Orders {
/// #     async fn delete(&self, request: tonic::Request<()>) -> Result<tonic::Response<()>, tonic::Status>;
/// # }
/// use tonic_guard::jwt::{JwtVerifier, KeySet, KeycloakVerifier};
/// use tonic_guard::{Authenticate, authenticated};
///
/// #[derive(Authenticate)]
/// struct MyOrders {
///     #[verifies("bearer")]
///     tokens: KeycloakVerifier,
/// }
///
/// #[authenticated(scheme = "bearer", roles("orders-admin"))]
/// #[tonic::async_trait]
/// impl Orders for MyOrders {
///     // ..
/// #     async fn delete(&self, _: tonic::Request<()>) -> Result<tonic::Response<()>, tonic::Status> {
/// #         Ok(tonic::Response::new(()))
/// #     }
/// }
///
/// fn my_orders(keys: KeySet) -> MyOrders {
///     // The client "orders" needs an audience mapper: by default `aud` is "account".
///     let tokens = JwtVerifier::any_jwt("https://id.example/realms/shop", "orders").build(keys);
///     MyOrders { tokens: KeycloakVerifier::new(tokens, "orders") }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct KeycloakVerifier {
    verifier: JwtVerifier<Claims<KeycloakRoles>>,
    client: Arc<str>,
}

/// A caller with a verified token of Keycloak.
#[derive(Clone)]
pub struct KeycloakCaller {
    claims: Claims<KeycloakRoles>,
    client: Arc<str>,
}

/// The roles in an access token of Keycloak: `realm_access` and `resource_access`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct KeycloakRoles {
    #[serde(default)]
    realm_access: Roles,
    #[serde(default)]
    resource_access: BTreeMap<Box<str>, Roles>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Roles {
    #[serde(default)]
    roles: Vec<Box<str>>,
}

impl KeycloakVerifier {
    /// Verifies tokens with `verifier`, and takes the roles of the realm and of `client`.
    ///
    /// `client` is the id of the client in Keycloak whose roles are those of this service.
    pub fn new(
        verifier: JwtVerifier<Claims<KeycloakRoles>>,
        client: impl Into<String>,
    ) -> KeycloakVerifier {
        KeycloakVerifier { verifier, client: client.into().into() }
    }

    fn caller(
        &self,
        claims: Authenticated<Claims<KeycloakRoles>>,
    ) -> Authenticated<KeycloakCaller> {
        claims.map(|claims| KeycloakCaller { claims, client: Arc::clone(&self.client) })
    }
}

impl KeycloakRoles {
    /// The roles of the realm.
    pub fn realm(&self) -> impl Iterator<Item = &str> {
        self.realm_access.roles.iter().map(|role| &**role)
    }

    /// The roles of one client.
    pub fn client(&self, client: &str) -> impl Iterator<Item = &str> {
        let roles = self.resource_access.get(client);
        roles.into_iter().flat_map(|roles| &roles.roles).map(|role| &**role)
    }
}

impl KeycloakCaller {
    /// The claims of the token.
    pub fn claims(&self) -> &Claims<KeycloakRoles> {
        &self.claims
    }

    /// The roles of the realm and of the verifier's client.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        let roles = self.claims.extra();
        roles.realm().chain(roles.client(&self.client))
    }
}

impl<R: AsRef<str>> HasRoles<R> for KeycloakCaller {
    fn has_role(&self, role: &R) -> bool {
        self.roles().any(|granted| granted == role.as_ref())
    }
}

impl HasScopes for KeycloakCaller {
    fn has_scope(&self, scope: &str) -> bool {
        self.claims.has_scope(scope)
    }
}

// Claims are personal data, so only those that `Claims` prints are printed.
impl fmt::Debug for KeycloakCaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeycloakCaller").field("claims", &self.claims).finish_non_exhaustive()
    }
}

impl Authenticate<Bearer> for KeycloakVerifier {
    type Identity = KeycloakCaller;

    async fn authenticate(
        &self,
        token: BearerToken,
    ) -> Result<Authenticated<KeycloakCaller>, AuthError> {
        self.verifier.authenticate(token).await.map(|claims| self.caller(claims))
    }

    fn authenticate_now(&self, token: BearerToken) -> Immediate<KeycloakCaller, BearerToken> {
        let immediate = self.verifier.authenticate_now(token);
        immediate.map(|decision| decision.map(|claims| self.caller(claims)))
    }

    fn deadline(&self) -> Duration {
        self.verifier.deadline()
    }

    fn invalid_reason(&self) -> Option<&'static str> {
        self.verifier.invalid_reason()
    }
}
