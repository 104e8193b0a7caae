//! The verifier of certificates other than X.509-SVIDs.

use std::{collections::HashMap, fmt, hash::Hash, time::SystemTime};

use super::{alt_name::SubjectAltName, certificate::Certificate, fingerprint::Fingerprint};
use crate::{
    authenticate::{Authenticate, Authenticated, Immediate},
    error::AuthError,
    scheme::{CertificateChain, ClientCertificate},
};

/// Verifies client certificates and identifies the caller by a fingerprint, a name or a custom function.
///
/// A certificate that can't be parsed, isn't valid now or is that of a CA is rejected first.
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
/// // Admitted.
/// let caller = partners.authenticate(chain("billing.acme.example")).await;
/// assert_eq!(caller.unwrap().into_identity(), Partner(1));
///
/// // Rejected: a wildcard doesn't match the listed names.
/// assert!(partners.authenticate(chain("*.acme.example")).await.is_err());
/// # }
/// ```
pub struct CertificateVerifier<I> {
    identify: Box<Identify<I>>,
}

type Identify<I> = dyn Fn(&Certificate<'_>) -> Result<I, AuthError> + Send + Sync;

impl<I> CertificateVerifier<I> {
    /// Identifies a caller by a custom function, which may reject the call with an error.
    ///
    /// Compare whole values: an [alternative name](Certificate::alt_names), a
    /// [fingerprint](Certificate::fingerprint), an attribute of the [subject](Certificate::subject). For
    /// SPIFFE IDs use [`SpiffeIds`](super::SpiffeIds), which applies their rules.
    pub fn new<F>(identify: F) -> Self
    where
        F: Fn(&Certificate<'_>) -> Result<I, AuthError> + Send + Sync + 'static,
    {
        CertificateVerifier { identify: Box::new(identify) }
    }

    /// Identifies a caller by the certificate's fingerprint. A renewed certificate has a new fingerprint.
    ///
    /// # Panics
    /// Panics if a fingerprint is listed twice.
    pub fn by_fingerprint(callers: impl IntoIterator<Item = (Fingerprint, I)>) -> Self
    where
        I: Clone + Send + Sync + 'static,
    {
        let callers = by_key(callers);
        CertificateVerifier::new(move |certificate| {
            let caller = callers.get(&certificate.fingerprint());
            caller
                .cloned()
                .ok_or_else(|| AuthError::invalid().because("the fingerprint isn't listed"))
        })
    }

    /// Identifies a caller by an alternative name of the certificate's subject. Whole names are compared.
    ///
    /// A certificate may have further names that aren't listed. A certificate with two listed names is
    /// rejected, because it doesn't identify one caller. The subject's common name is ignored.
    ///
    /// # Panics
    /// Panics if a name is listed twice.
    pub fn by_name(callers: impl IntoIterator<Item = (SubjectAltName, I)>) -> Self
    where
        I: Clone + Send + Sync + 'static,
    {
        let callers = by_key(callers);
        CertificateVerifier::new(move |certificate| {
            let mut known = certificate.alt_names().iter().filter_map(|name| callers.get(name));
            match (known.next(), known.next()) {
                (Some(caller), None) => Ok(caller.clone()),
                (Some(_), Some(_)) => {
                    Err(AuthError::invalid().because("the certificate has two listed names"))
                }
                (None, _) => {
                    Err(AuthError::invalid().because("the certificate has no listed name"))
                }
            }
        })
    }
}

impl<I> CertificateVerifier<I> {
    fn verify(&self, chain: &CertificateChain) -> Result<Authenticated<I>, AuthError> {
        (self.identify)(&Certificate::parse_valid(chain.leaf(), SystemTime::now())?)
            .map(Authenticated::from)
    }
}

/// # Panics
/// Panics if a key is listed twice.
fn by_key<K: Eq + Hash + fmt::Debug, I>(
    callers: impl IntoIterator<Item = (K, I)>,
) -> HashMap<K, I> {
    let mut map = HashMap::new();
    for (key, caller) in callers {
        assert!(!map.contains_key(&key), "{key:?} is listed twice");
        map.insert(key, caller);
    }
    map
}

impl<I> fmt::Debug for CertificateVerifier<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CertificateVerifier")
    }
}

impl<I: Send + Sync + 'static> Authenticate<ClientCertificate> for CertificateVerifier<I> {
    type Identity = I;

    async fn authenticate(&self, chain: CertificateChain) -> Result<Authenticated<I>, AuthError> {
        self.verify(&chain)
    }

    fn authenticate_now(&self, chain: CertificateChain) -> Immediate<I, CertificateChain> {
        Immediate::Decided(self.verify(&chain))
    }
}
