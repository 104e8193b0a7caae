use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicUsize, Ordering},
};

use tonic::{Request, Response, Status};
use tonic_guard::{
    AuthError, Authenticate,
    api_keys::{ApiKeys, GeneratedKey},
    authenticated,
    certificates::{Certificate, CertificateVerifier, SubjectAltName},
    jwt::{Claims, JwtVerifier, KeySet},
    scheme::ClientCertificate,
};
use tonic_guard_test::Issuer;
use tonic_guard_verifier_tests::pb::{Name, Void, mesh_server::Mesh};

const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "https://mesh.example";

/// The issuers of the tokens and the keys.
pub(crate) static PROVIDERS: LazyLock<Providers> = LazyLock::new(|| Providers {
    issuer: Issuer::new(ISSUER),
    key: GeneratedKey::new("acme_test").unwrap(),
});

pub(crate) struct Providers {
    issuer: Issuer,
    key: GeneratedKey,
}

impl Providers {
    /// A token of the user `ada`.
    pub(crate) fn token(&self) -> String {
        self.issuer.access_token(AUDIENCE).subject("ada").sign()
    }

    /// An expired token of `ada`.
    pub(crate) fn old_token(&self) -> String {
        let hour = std::time::Duration::from_secs(3600);
        self.issuer.access_token(AUDIENCE).subject("ada").expired_for(hour).sign()
    }

    /// The key of the partner `acme`.
    pub(crate) fn key(&self) -> &str {
        self.key.key()
    }
}

/// The owner of an API key.
#[derive(Clone)]
pub(crate) struct Partner(&'static str);

/// A service whose callers present a certificate, which `A` checks, a token, or a key.
#[derive(Authenticate)]
pub(crate) struct Service<A> {
    #[verifies("client-certificate")]
    certificates: A,
    #[verifies("bearer")]
    tokens: JwtVerifier<Claims>,
    #[verifies("api-key")]
    keys: ApiKeys<Partner>,
    /// The number of handler runs.
    pub(crate) ran: Arc<AtomicUsize>,
}

impl<A> Service<A> {
    pub(crate) fn new(certificates: A) -> Self {
        let Providers { issuer, key } = &*PROVIDERS;
        let trusted = KeySet::from_jwks(issuer.jwks()).unwrap();
        Service {
            certificates,
            tokens: JwtVerifier::access_tokens(ISSUER, AUDIENCE).build(trusted),
            keys: ApiKeys::new([(Partner("acme"), vec![key.record().clone()])]).unwrap(),
            ran: Arc::default(),
        }
    }

    fn answer(&self, name: String) -> Result<Response<Name>, Status> {
        self.ran.fetch_add(1, Ordering::Relaxed);
        Ok(Response::new(Name { name }))
    }
}

/// Identifies callers by their only DNS name.
pub(crate) struct ByName;

impl ByName {
    pub(crate) fn verifier() -> CertificateVerifier<String> {
        CertificateVerifier::new(|certificate: &Certificate<'_>| match certificate.alt_names() {
            [SubjectAltName::Dns(name)] => Ok(name.clone()),
            _ => Err(AuthError::invalid()),
        })
    }
}

/// The common identity type of all schemes.
pub(crate) struct Caller(String);

impl From<String> for Caller {
    fn from(name: String) -> Self {
        Caller(format!("certificate {name}"))
    }
}

impl From<Claims> for Caller {
    fn from(claims: Claims) -> Self {
        Caller(format!("user {}", claims.subject().unwrap()))
    }
}

impl From<Partner> for Caller {
    fn from(Partner(name): Partner) -> Self {
        Caller(format!("partner {name}"))
    }
}

#[authenticated]
#[tonic::async_trait]
impl<A> Mesh for Service<A>
where
    A: Authenticate<ClientCertificate, Identity = String> + 'static,
{
    #[authenticated(scheme = "client-certificate")]
    async fn certificate(
        &self,
        _: Request<Void>,
        #[identity] name: String,
    ) -> Result<Response<Name>, Status> {
        self.answer(name)
    }

    #[authenticated(scheme = one_of("api-key", "client-certificate"))]
    async fn key_or_certificate(
        &self,
        _: Request<Void>,
        #[identity] Caller(name): Caller,
    ) -> Result<Response<Name>, Status> {
        self.answer(name)
    }

    #[authenticated(scheme = one_of("bearer", "api-key", "client-certificate"))]
    async fn any_of_three(
        &self,
        _: Request<Void>,
        #[identity] Caller(name): Caller,
    ) -> Result<Response<Name>, Status> {
        self.answer(name)
    }

    #[authenticated(scheme = all_of("api-key", "client-certificate"))]
    async fn key_and_certificate(
        &self,
        _: Request<Void>,
        #[identity] (Partner(partner), name): (Partner, String),
    ) -> Result<Response<Name>, Status> {
        self.answer(format!("partner {partner} on {name}"))
    }

    #[authenticated(scheme = optional("client-certificate"))]
    async fn maybe_certificate(
        &self,
        _: Request<Void>,
        #[identity] name: Option<String>,
    ) -> Result<Response<Name>, Status> {
        self.answer(name.unwrap_or_else(|| "nobody".into()))
    }

    #[authenticated(scheme = optional(one_of("api-key", "client-certificate")))]
    async fn maybe_key_or_certificate(
        &self,
        _: Request<Void>,
        #[identity] caller: Option<Caller>,
    ) -> Result<Response<Name>, Status> {
        self.answer(caller.map_or_else(|| "nobody".into(), |Caller(name)| name))
    }

    #[anonymous(reason = "shows that the connection works")]
    async fn open(&self, _: Request<Void>) -> Result<Response<Name>, Status> {
        self.answer("everyone".into())
    }
}
