use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tonic::{Request, Response, Status};
use tonic_guard::{
    AuthError, Authenticate, authenticated,
    certificates::{Certificate, CertificateVerifier, SubjectAltName},
    scheme::ClientCertificate,
};
use tonic_guard_tests::{Keys, Partner, Tokens, User};
use tonic_guard_verifier_tests::pb::{Name, Void, mesh_server::Mesh};

/// Whose callers come with a certificate that `A` checks, or with a token or a key.
#[derive(Authenticate)]
pub(crate) struct Service<A> {
    #[verifies("client-certificate")]
    certificates: A,
    #[verifies("bearer")]
    tokens: Tokens,
    #[verifies("api-key")]
    keys: Keys,
    /// How many times a handler ran.
    pub(crate) ran: Arc<AtomicUsize>,
}

impl<A> Service<A> {
    pub(crate) fn new(certificates: A) -> Self {
        Service { certificates, tokens: Tokens, keys: Keys::default(), ran: Arc::default() }
    }

    fn answer(&self, name: String) -> Result<Response<Name>, Status> {
        self.ran.fetch_add(1, Ordering::Relaxed);
        Ok(Response::new(Name { name }))
    }
}

/// Known by the only DNS name.
pub(crate) struct ByName;

impl ByName {
    pub(crate) fn verifier() -> CertificateVerifier<String> {
        CertificateVerifier::new(|certificate: &Certificate<'_>| match certificate.alt_names() {
            [SubjectAltName::Dns(name)] => Ok(name.clone()),
            _ => Err(AuthError::invalid()),
        })
    }
}

/// In what they meet.
pub(crate) struct Caller(String);

impl From<String> for Caller {
    fn from(name: String) -> Self {
        Caller(format!("certificate {name}"))
    }
}

impl From<User> for Caller {
    fn from(user: User) -> Self {
        Caller(format!("user {}", user.name))
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

    #[anonymous(reason = "to see that the connection works")]
    async fn open(&self, _: Request<Void>) -> Result<Response<Name>, Status> {
        self.answer("everyone".into())
    }
}
