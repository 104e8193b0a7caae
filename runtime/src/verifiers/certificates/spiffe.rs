//! SPIFFE IDs and the certificates that carry them, X.509-SVIDs.

use std::{fmt, str::FromStr, time::SystemTime};

use super::certificate::{Certificate, SubjectAltName};
use crate::{
    authenticate::Authenticate,
    error::AuthError,
    scheme::{CertificateChain, ClientCertificate},
};

/// Verifies X.509-SVIDs: certificates that carry a SPIFFE ID.
///
/// The ID is taken from the only URI among the alternative names of the client's own certificate, and
/// its trust domain must be one of those given here. A certificate that can't be read, isn't valid now,
/// is a CA's, or may sign certificates or revocation lists is refused (X.509-SVID, sections 4 and 5.2).
///
/// Give only trust domains whose CA the server trusts, and remember that rustls doesn't bind a CA to a
/// trust domain: where a server trusts the CAs of two domains, each of them can sign for the other.
///
/// ```
/// # use tonic_guard::certificates::{SpiffeId, SpiffeIds};
/// # use tonic_guard::scheme::CertificateChain;
/// # use tonic_guard::{AuthError, Authenticate};
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
/// // Every workload of the domain, known by its ID.
/// let mesh: SpiffeIds<SpiffeId> = SpiffeIds::new(["prod.example".parse()?], Ok);
///
/// // Let in.
/// let caller = mesh.authenticate(chain(&["spiffe://prod.example/ns/shop/sa/billing"])).await;
/// assert_eq!(caller.unwrap().path(), "/ns/shop/sa/billing");
///
/// // Refused: two URIs, whatever they say.
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
    /// Knows callers by their IDs in these trust domains. `identify` makes the identity: `Ok` takes the ID
    /// itself. An error of it refuses the call.
    pub fn new<F>(trust_domains: impl IntoIterator<Item = TrustDomain>, identify: F) -> Self
    where
        F: Fn(SpiffeId) -> Result<I, AuthError> + Send + Sync + 'static,
    {
        let trust_domains = trust_domains.into_iter().collect();
        SpiffeIds { trust_domains, identify: Box::new(identify) }
    }

    fn identify(&self, chain: &CertificateChain, now: SystemTime) -> Result<I, AuthError> {
        let certificate = Certificate::current(chain.leaf(), now)?;
        let id = id_of(&certificate)?;
        if !self.trust_domains.iter().any(|domain| domain.as_str() == id.trust_domain()) {
            return Err(AuthError::invalid().because("a trust domain that isn't on the list"));
        }
        (self.identify)(id)
    }
}

/// The ID of an X.509-SVID. That it is no CA's is checked already.
fn id_of(certificate: &Certificate<'_>) -> Result<SpiffeId, AuthError> {
    let refused = |why: &'static str| Err(AuthError::invalid().because(why));
    let Some(usage) = certificate.key_usage() else {
        return refused("an SVID has a key usage");
    };
    if !usage.digital_signature() {
        return refused("the key usage of an SVID has digitalSignature");
    }
    if usage.key_cert_sign() || usage.crl_sign() {
        return refused("the key of an SVID may sign certificates or revocation lists");
    }
    let mut uris = certificate.alt_names().iter().filter_map(|name| match name {
        SubjectAltName::Uri(uri) => Some(uri),
        _ => None,
    });
    let id = match (uris.next(), uris.next()) {
        (Some(uri), None) => uri.parse::<SpiffeId>(),
        (Some(_), Some(_)) => return refused("an SVID has one URI among its names, not several"),
        (None, _) => return refused("an SVID has a URI among its names"),
    };
    match id {
        Ok(id) if id.path().is_empty() => refused("the SPIFFE ID of a workload has a path"),
        Ok(id) => Ok(id),
        Err(why) => Err(AuthError::invalid().because(why)),
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

    async fn authenticate(&self, chain: CertificateChain) -> Result<I, AuthError> {
        self.identify(&chain, SystemTime::now())
    }
}

/// A SPIFFE ID, such as `spiffe://prod.example/billing` (SPIFFE-ID, section 2).
///
/// It is compared as it is written: there is one way to write an ID.
///
/// ```
/// # use tonic_guard::certificates::SpiffeId;
/// let id: SpiffeId = "spiffe://prod.example/ns/shop/sa/billing".parse().unwrap();
/// assert_eq!((id.trust_domain(), id.path()), ("prod.example", "/ns/shop/sa/billing"));
///
/// for refused in ["https://prod.example/a", "spiffe://prod.example/../a", "spiffe://prod.example/%61"] {
///     assert!(refused.parse::<SpiffeId>().is_err());
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpiffeId {
    text: String,
    /// Where the path begins.
    path: usize,
}

/// The name of a trust domain, such as `prod.example` (SPIFFE-ID, section 2.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrustDomain(String);

/// Why a text isn't a [`SpiffeId`] or a [`TrustDomain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidSpiffeId(&'static str);

impl fmt::Display for InvalidSpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidSpiffeId {}

/// SPIFFE-ID, section 2.3.
const MAX_ID: usize = 2048;
const MAX_TRUST_DOMAIN: usize = 255;
const SCHEME: &str = "spiffe://";

impl SpiffeId {
    /// The trust domain, such as `prod.example`.
    pub fn trust_domain(&self) -> &str {
        self.text.get(SCHEME.len()..self.path).unwrap_or_default()
    }

    /// The path, such as `/billing`. Empty for the ID of a trust domain itself, which no workload has.
    pub fn path(&self) -> &str {
        self.text.get(self.path..).unwrap_or_default()
    }

    /// The whole ID.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for SpiffeId {
    type Err = InvalidSpiffeId;

    fn from_str(text: &str) -> Result<Self, InvalidSpiffeId> {
        if text.len() > MAX_ID {
            return Err(InvalidSpiffeId("a SPIFFE ID has at most 2048 bytes"));
        }
        let Some(rest) = text.strip_prefix(SCHEME) else {
            return Err(InvalidSpiffeId("a SPIFFE ID begins with `spiffe://`"));
        };
        let (domain, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        check_trust_domain(domain)?;
        check_path(path)?;
        Ok(SpiffeId { text: text.to_owned(), path: SCHEME.len() + domain.len() })
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TrustDomain {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TrustDomain {
    type Err = InvalidSpiffeId;

    fn from_str(text: &str) -> Result<Self, InvalidSpiffeId> {
        check_trust_domain(text)?;
        Ok(TrustDomain(text.to_owned()))
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check_trust_domain(name: &str) -> Result<(), InvalidSpiffeId> {
    let valid = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_');
    if name.is_empty() || name.len() > MAX_TRUST_DOMAIN || !name.bytes().all(valid) {
        return Err(InvalidSpiffeId(
            "a trust domain is made of lower-case letters, digits, `.`, `-` and `_`, at most 255",
        ));
    }
    Ok(())
}

/// A path is empty or made of segments, each behind a `/`. Nothing in it needs decoding or resolving.
fn check_path(path: &str) -> Result<(), InvalidSpiffeId> {
    let mut segments = path.split('/');
    // What stands before the first `/`: `path` is empty or begins with one.
    segments.next();
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    for segment in segments {
        if matches!(segment, "" | "." | "..") || !segment.bytes().all(valid) {
            return Err(InvalidSpiffeId(
                "the path of a SPIFFE ID is made of segments of letters, digits, `.`, `-` and `_`, none \
                 of them empty, `.` or `..`",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_trust_domain_and_a_path() {
        for (text, domain, path) in [
            ("spiffe://prod.example", "prod.example", ""),
            ("spiffe://prod.example/a", "prod.example", "/a"),
            ("spiffe://a_b-c.1/x/Y.z/-_", "a_b-c.1", "/x/Y.z/-_"),
            ("spiffe://d/.../..a/a..", "d", "/.../..a/a.."),
        ] {
            let id: SpiffeId = text.parse().unwrap();
            assert_eq!((id.trust_domain(), id.path(), id.as_str()), (domain, path, text));
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for text in [
            "",
            "spiffe",
            "spiffe:/d/a",
            "spiffe://",
            "spiffe:///a",
            "SPIFFE://d/a",
            "https://d/a",
            " spiffe://d/a",
            "spiffe://d/a ",
            "spiffe://D/a",
            "spiffe://d:443/a",
            "spiffe://user@d/a",
            "spiffe://[::1]/a",
            "spiffe://dé/a",
            "spiffe://d%2e/a",
            "spiffe://d\\a",
            "spiffe://d?x",
            "spiffe://d#x",
            "spiffe://d/",
            "spiffe://d//a",
            "spiffe://d/a/",
            "spiffe://d/.",
            "spiffe://d/./a",
            "spiffe://d/../a",
            "spiffe://d/a/..",
            "spiffe://d/%61",
            "spiffe://d/a?x",
            "spiffe://d/a#x",
            "spiffe://d/a:b",
            "spiffe://d/a b",
            "spiffe://d/é",
            "spiffe://d/a\0",
        ] {
            assert!(text.parse::<SpiffeId>().is_err(), "{text}");
        }
    }

    #[test]
    fn lengths_are_bounded() {
        let domain = "d".repeat(MAX_TRUST_DOMAIN);
        assert!(domain.parse::<TrustDomain>().is_ok());
        assert!(format!("{domain}d").parse::<TrustDomain>().is_err());
        let longest = format!("spiffe://d/{}", "a".repeat(MAX_ID - "spiffe://d/".len()));
        assert!(longest.parse::<SpiffeId>().is_ok());
        assert!(format!("{longest}a").parse::<SpiffeId>().is_err());
    }
}
