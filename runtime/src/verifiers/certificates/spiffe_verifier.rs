//! The verifier of X.509-SVIDs.

use std::{fmt, time::SystemTime};

use super::{
    alt_name::SubjectAltName,
    certificate::Certificate,
    spiffe_id::{SpiffeId, TrustDomain},
};
use crate::{
    authenticate::{Authenticate, Authenticated, Immediate},
    error::AuthError,
    scheme::{CertificateChain, ClientCertificate},
};

/// Verifies X.509-SVIDs: certificates with a SPIFFE ID.
///
/// The ID is the only URI among the alternative names of the client's certificate, and its trust domain must
/// be listed. A certificate is rejected if it can't be parsed, isn't valid now, is that of a CA, or may sign
/// certificates or revocation lists (X.509-SVID, sections 4 and 5.2).
///
/// List only trust domains whose CA the server trusts. rustls doesn't bind a CA to a trust domain: if a
/// server trusts the CAs of two domains, each CA can sign IDs of the other domain.
///
/// ```
/// # use tonic_guard::certificates::{SpiffeId, SpiffeIds};
/// # use tonic_guard::scheme::CertificateChain;
/// # use tonic_guard::{AuthError, Authenticate, Authenticated};
/// # use rcgen::{CertificateParams, KeyPair, KeyUsagePurpose, SanType};
/// # fn chain(uris: &[&str]) -> CertificateChain {
/// #     let mut params = CertificateParams::default();
/// #     let uri = |uri: &&str| SanType::URI((*uri).try_into().unwrap());
/// #     params.subject_alt_names = uris.iter().map(uri).collect();
/// #     params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
/// #     let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
/// #     CertificateChain::from_der([certificate.der().to_vec()])
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // The identity is the SPIFFE ID itself.
/// let mesh: SpiffeIds<SpiffeId> = SpiffeIds::new(["prod.example".parse()?], Ok);
///
/// // Admitted.
/// let caller = mesh.authenticate(chain(&["spiffe://prod.example/ns/shop/sa/billing"])).await;
/// assert_eq!(caller.unwrap().identity().path(), "/ns/shop/sa/billing");
///
/// // Rejected: two URIs.
/// let two = chain(&["spiffe://prod.example/billing", "https://acme.example"]);
/// assert!(mesh.authenticate(two).await.is_err());
/// # Ok(())
/// # }
/// ```
pub struct SpiffeIds<I> {
    trust_domains: Vec<TrustDomain>,
    identify: Box<Identify<I>>,
}

type Identify<I> = dyn Fn(SpiffeId) -> Result<I, AuthError> + Send + Sync;

impl<I> SpiffeIds<I> {
    /// Admits callers of these trust domains. `identify` maps a SPIFFE ID to the identity, or rejects the
    /// call with an error. `Ok` takes the ID as the identity.
    pub fn new<F>(trust_domains: impl IntoIterator<Item = TrustDomain>, identify: F) -> Self
    where
        F: Fn(SpiffeId) -> Result<I, AuthError> + Send + Sync + 'static,
    {
        let trust_domains = trust_domains.into_iter().collect();
        SpiffeIds { trust_domains, identify: Box::new(identify) }
    }

    fn identify(&self, chain: &CertificateChain, now: SystemTime) -> Result<I, AuthError> {
        let certificate = Certificate::parse_valid(chain.leaf(), now)?;
        let id = id_of(&certificate)?;
        if !self.trust_domains.iter().any(|domain| domain.as_str() == id.trust_domain()) {
            return Err(
                AuthError::invalid().because("the trust domain of the SPIFFE ID isn't listed")
            );
        }
        (self.identify)(id)
    }
}

/// Returns the ID of an X.509-SVID. The certificate isn't that of a CA.
fn id_of(certificate: &Certificate<'_>) -> Result<SpiffeId, AuthError> {
    let invalid = |cause: &'static str| Err(AuthError::invalid().because(cause));
    let Some(usage) = certificate.key_usage() else {
        return invalid("the SVID has no key usage");
    };
    if !usage.digital_signature() {
        return invalid("the key usage of the SVID lacks digitalSignature");
    }
    if usage.key_cert_sign() || usage.crl_sign() {
        return invalid("the key of the SVID may sign certificates or revocation lists");
    }
    let mut uris = certificate.alt_names().iter().filter_map(|name| match name {
        SubjectAltName::Uri(uri) => Some(uri),
        _ => None,
    });
    let id = match (uris.next(), uris.next()) {
        (Some(uri), None) => uri.parse::<SpiffeId>(),
        (Some(_), Some(_)) => return invalid("the SVID has several URIs among its names"),
        (None, _) => return invalid("the SVID has no URI among its names"),
    };
    match id {
        Ok(id) if id.path().is_empty() => invalid("the SPIFFE ID has no path"),
        Ok(id) => Ok(id),
        Err(error) => Err(AuthError::invalid().because(error)),
    }
}

impl<I> fmt::Debug for SpiffeIds<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpiffeIds")
            .field("trust_domains", &self.trust_domains)
            .finish_non_exhaustive()
    }
}

impl<I: Send + Sync + 'static> Authenticate<ClientCertificate> for SpiffeIds<I> {
    type Identity = I;

    async fn authenticate(&self, chain: CertificateChain) -> Result<Authenticated<I>, AuthError> {
        self.identify(&chain, SystemTime::now()).map(Authenticated::from)
    }

    fn authenticate_now(&self, chain: CertificateChain) -> Immediate<I, CertificateChain> {
        Immediate::Decided(self.identify(&chain, SystemTime::now()).map(Authenticated::from))
    }
}
