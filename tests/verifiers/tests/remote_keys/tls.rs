//! The certificates that are trusted over real TLS.

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use super::*;

/// A private certificate authority in PEM, and a server with its certificate for `host`.
pub(crate) fn certified(host: &str) -> (String, TlsAcceptor) {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let authority = rcgen::Issuer::new(params, key);

    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new([host.to_owned()]).unwrap();
    let server = server.signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![server.der().clone()], key)
        .unwrap();
    (certificate.pem(), TlsAcceptor::from(Arc::new(config)))
}

#[tokio::test]
async fn private_authority_is_trusted_if_configured() {
    let (authority, tls) = certified("127.0.0.1");
    let publisher = Publisher::publish(Provider::start_tls(tls).await);
    let http = HttpClient::builder().trust_only(authority).build().unwrap();
    let keys = RemoteKeys::jwks(publisher.provider.url(JWKS)).http_client(http);
    let serving = publisher.serve(keys.connect().await.unwrap()).await;
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
    let known = publisher.issuer.signing_key();
    assert_eq!(serving.bearer(&publisher.forged(known.id())).await, rejected(INVALID));
}

#[tokio::test]
async fn other_certificates_are_not_trusted() {
    let (_, tls) = certified("127.0.0.1");
    let publisher = Publisher::publish(Provider::start_tls(tls).await);
    let (other, _) = certified("127.0.0.1");
    let url = publisher.provider.url(JWKS);
    let with_system_roots = HttpClient::new().unwrap();
    let with_another_root = HttpClient::builder().trust_only(other).build().unwrap();
    let with_plain_http = http().build().unwrap();
    for http in [with_system_roots, with_another_root, with_plain_http] {
        let keys = RemoteKeys::jwks(&url).http_client(http).connect();
        let error = within("connecting", keys).await.unwrap_err();
        assert_eq!(error.to_string(), format!("the request to {url} failed"));
    }
    assert_eq!(publisher.provider.request_count(), 0);
}

#[tokio::test]
async fn invalid_root_certificates_are_rejected() {
    for pem in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let error = HttpClient::builder().trust_only(pem).build().unwrap_err();
        assert_eq!(error.to_string(), "cannot create the HTTP client", "{pem:?}");
    }
}
