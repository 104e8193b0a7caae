use std::sync::Arc;

use tonic::transport::{
    CertificateDer,
    server::{TcpConnectInfo, TlsConnectInfo},
};

use super::{CredentialLocation, ExtractError, Extraction, Scheme};
use crate::scheme::CallHead;

/// The certificate that the client showed as its TLS connection was made. The word
/// `"client-certificate"`.
///
/// tonic's TLS server leaves it for each call of the connection. So does a server that accepts its
/// connections itself and serves `tokio_rustls` streams over TCP. Headers are never read: a certificate
/// that a proxy passes on in one, such as `x-forwarded-client-cert`, is the word of whoever sent the
/// header.
///
/// Without TLS, or where the client showed no certificate, a call has no credentials of this scheme.
/// The server must ask for one (`ServerTlsConfig::client_ca_root`), and may let clients without
/// connect (`client_auth_optional`). There is no challenge: a connection that is made can't be asked
/// again.
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

/// The certificates of a call under [`ClientCertificate`], as the client sent them: its own first.
///
/// rustls has built a path from the first one to a CA that the server trusts. The others are whatever
/// the client sent along. It doesn't print what the certificates say.
#[derive(Clone)]
pub struct CertificateChain(Arc<Vec<CertificateDer<'static>>>);

impl CertificateChain {
    /// A chain from certificates in DER, the client's own first: for a test of a verifier, which trusts
    /// that a TLS server has checked them.
    pub fn from_der(certificates: impl IntoIterator<Item = Vec<u8>>) -> Self {
        CertificateChain(Arc::new(certificates.into_iter().map(CertificateDer::from).collect()))
    }

    /// The client's own certificate in DER.
    pub fn leaf(&self) -> &[u8] {
        // `extract` finds no empty chain. Nothing isn't a certificate either.
        self.0.first().map(AsRef::as_ref).unwrap_or_default()
    }

    /// Each certificate in DER, the client's own first.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(AsRef::as_ref)
    }
}

impl std::fmt::Debug for CertificateChain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CertificateChain").field("certificates", &self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_begins_with_the_clients_own() {
        let chain = CertificateChain::from_der([vec![1], vec![2, 3]]);
        assert_eq!(chain.leaf(), [1]);
        assert_eq!(chain.iter().collect::<Vec<_>>(), [&[1][..], &[2, 3]]);
        assert_eq!(CertificateChain::from_der([]).leaf(), [0; 0]);
        assert_eq!(ClientCertificate::new().name(), "client-certificate");
    }
}
