use std::{fmt, sync::Arc};

use tonic::transport::{
    CertificateDer,
    server::{TcpConnectInfo, TlsConnectInfo},
};

use super::{CredentialLocation, ExtractError, Extraction, Scheme};
use crate::scheme::CallHead;

/// The client certificate of the TLS connection, `"client-certificate"` in the attribute.
///
/// tonic's TLS server attaches it to each call of the connection, and so does a server that accepts
/// connections itself and serves `tokio_rustls` streams over TCP. Headers with a forwarded certificate, such
/// as `x-forwarded-client-cert`, are never read, because any client can send them.
///
/// Without TLS or without a client certificate, a call has no credentials of this scheme. The server must
/// request a certificate (`ServerTlsConfig::client_ca_root`), and may accept connections without one
/// (`client_auth_optional`). A rejection has no challenge, because a client can't send a certificate on an
/// established connection.
///
/// Verifiers for it are in [`certificates`](crate::certificates).
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientCertificate(());

impl ClientCertificate {
    /// The scheme.
    pub const fn new() -> Self {
        ClientCertificate(())
    }
}

impl Scheme for ClientCertificate {
    type Credentials = CertificateChain;

    fn name(&self) -> &str {
        "client-certificate"
    }

    fn location(&self) -> CredentialLocation {
        CredentialLocation::Connection
    }

    fn extract(&self, head: &CallHead<'_>) -> Result<Extraction<CertificateChain>, ExtractError> {
        let connection = head.extensions().get::<TlsConnectInfo<TcpConnectInfo>>();
        let chain = connection.and_then(TlsConnectInfo::peer_certs);
        Ok(match chain.filter(|chain| !chain.is_empty()) {
            Some(chain) => Extraction::Credentials(CertificateChain(chain)),
            None => Extraction::Absent,
        })
    }
}

/// The certificates that a client sent, the credentials of [`ClientCertificate`]. Its own is the first.
///
/// rustls has built a path from the first certificate to a CA that the server trusts. The other certificates
/// are unverified. `Debug` prints only their number.
#[derive(Clone)]
pub struct CertificateChain(Arc<Vec<CertificateDer<'static>>>);

impl CertificateChain {
    /// Creates a chain from certificates in DER, the client's own first, to test a verifier.
    ///
    /// A verifier assumes that the TLS server has verified the chain.
    pub fn from_der(certificates: impl IntoIterator<Item = Vec<u8>>) -> Self {
        CertificateChain(Arc::new(certificates.into_iter().map(CertificateDer::from).collect()))
    }

    /// The client's own certificate in DER.
    pub fn leaf(&self) -> &[u8] {
        // `extract` never returns an empty chain, and empty DER isn't a valid certificate.
        self.0.first().map(AsRef::as_ref).unwrap_or_default()
    }

    /// The certificates in DER, the client's own first.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(AsRef::as_ref)
    }
}

impl fmt::Debug for CertificateChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateChain").field("certificates", &self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaf_is_the_first_certificate() {
        let chain = CertificateChain::from_der([vec![1], vec![2, 3]]);
        assert_eq!(chain.leaf(), [1]);
        assert_eq!(chain.iter().collect::<Vec<_>>(), [&[1][..], &[2, 3]]);
        assert_eq!(CertificateChain::from_der([]).leaf(), [0; 0]);
        assert_eq!(ClientCertificate::new().name(), "client-certificate");
    }
}
