//! Verifiers that know callers by anything a certificate says.

use std::{collections::HashMap, fmt, hash::Hash, time::SystemTime};

use super::{
    certificate::{Certificate, SubjectAltName},
    fingerprint::Fingerprint,
};
use crate::{
    authenticate::Authenticate,
    error::AuthError,
    scheme::{CertificateChain, ClientCertificate},
};

/// Verifies client certificates, and knows the caller by what the certificate says.
///
/// A certificate that can't be read, isn't valid now or is a CA's is refused before anyone is asked.
///
/// ```
/// # use tonic_guard::certificates::{Certificate, CertificateVerifier, SubjectAltName};
/// # use tonic_guard::scheme::CertificateChain;
/// # use tonic_guard::Authenticate;
/// # use rcgen::{CertificateParams, KeyPair};
/// # fn chain(name: &str) -> CertificateChain {
/// #     let params = CertificateParams::new([name.to_owned()]).unwrap();
/// #     let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
/// #     CertificateChain::from_der([certificate.der().to_vec()])
/// # }
/// #[derive(Clone, Debug, PartialEq)]
/// struct Partner(u32);
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let partners = CertificateVerifier::by_name([
///     (SubjectAltName::dns("billing.acme.example"), Partner(1)),
///     (SubjectAltName::dns("shipping.acme.example"), Partner(2)),
/// ]);
///
/// // Let in.
/// let caller = partners.authenticate(chain("billing.acme.example")).await;
/// assert_eq!(caller.unwrap(), Partner(1));
///
/// // Refused: a wildcard is no name of the list, though the same CA may have signed it.
/// assert!(partners.authenticate(chain("*.acme.example")).await.is_err());
/// # }
/// ```
pub struct CertificateVerifier<I> {
    identify: Box<Identify<I>>,
}

type Identify<I> = dyn Fn(&Certificate<'_>) -> Result<I, AuthError> + Send + Sync;

impl<I> CertificateVerifier<I> {
    /// Knows a caller by a function of yours. An error of it refuses the call.
    ///
    /// Compare whole values: an [alternative name](Certificate::alt_names), a
    /// [fingerprint](Certificate::fingerprint), an attribute of the [subject](Certificate::subject). For
    /// SPIFFE IDs there is [`SpiffeIds`](super::SpiffeIds), which knows their rules.
    pub fn new<F>(identify: F) -> Self
    where
        F: Fn(&Certificate<'_>) -> Result<I, AuthError> + Send + Sync + 'static,
    {
        CertificateVerifier { identify: Box::new(identify) }
    }

    /// Knows a caller by the very certificate. A renewed one is another.
    ///
    /// # Panics
    /// When a fingerprint is listed twice.
    pub fn by_fingerprint(callers: impl IntoIterator<Item = (Fingerprint, I)>) -> Self
    where
        I: Clone + Send + Sync + 'static,
    {
        let callers = listed(callers);
        CertificateVerifier::new(move |certificate| {
            let caller = callers.get(&certificate.fingerprint());
            caller.cloned().ok_or_else(|| AuthError::invalid().because("an unknown fingerprint"))
        })
    }

    /// Knows a caller by an alternative name of the certificate's subject, compared whole.
    ///
    /// A certificate may have other names beside the one that is listed. With two that are listed it is
    /// refused: it doesn't say which of two callers this is. The subject's common name isn't looked at.
    ///
    /// # Panics
    /// When a name is listed twice.
    pub fn by_name(callers: impl IntoIterator<Item = (SubjectAltName, I)>) -> Self
    where
        I: Clone + Send + Sync + 'static,
    {
        let callers = listed(callers);
        CertificateVerifier::new(move |certificate| {
            let mut known = certificate.alt_names().iter().filter_map(|name| callers.get(name));
            match (known.next(), known.next()) {
                (Some(caller), None) => Ok(caller.clone()),
                (Some(_), Some(_)) => Err(AuthError::invalid().because("names of two callers")),
                (None, _) => Err(AuthError::invalid().because("no name of a known caller")),
            }
        })
    }
}

fn listed<K: Eq + Hash + fmt::Debug, I>(
    callers: impl IntoIterator<Item = (K, I)>,
) -> HashMap<K, I> {
    let mut listed = HashMap::new();
    for (known_by, caller) in callers {
        assert!(!listed.contains_key(&known_by), "{known_by:?} stands for two callers");
        listed.insert(known_by, caller);
    }
    listed
}

impl<I> fmt::Debug for CertificateVerifier<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CertificateVerifier")
    }
}

impl<I: Send + Sync + 'static> Authenticate<ClientCertificate> for CertificateVerifier<I> {
    type Identity = I;

    async fn authenticate(&self, chain: CertificateChain) -> Result<I, AuthError> {
        (self.identify)(&Certificate::current(chain.leaf(), SystemTime::now())?)
    }
}
