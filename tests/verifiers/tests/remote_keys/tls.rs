//! Over real TLS: which certificates are believed.

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

/// A certificate authority of our own in PEM, and a server on 127.0.0.1 that it vouches for.
fn certified() -> (String, TlsAcceptor) {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let authority = rcgen::Issuer::new(params, key);

    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
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
async fn a_private_authority_is_believed_where_it_is_named() {
    let (authority, tls) = certified();
    let publisher = Publisher::publish(Provider::start_tls(tls).await);
    let http = HttpClient::builder().trust_only(authority).build().unwrap();
    let keys = RemoteKeys::jwks(publisher.provider.url(JWKS)).http_client(http);
    let serving = publisher.serve(keys.connect().await.unwrap()).await;
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
    let known = publisher.issuer.signing_key();
    assert_eq!(serving.bearer(&publisher.forged(known.id())).await, told(INVALID));
}

#[tokio::test]
async fn no_other_certificate_is_believed() {
    let (_, tls) = certified();
    let publisher = Publisher::publish(Provider::start_tls(tls).await);
    let (other, _) = certified();
    let url = publisher.provider.url(JWKS);
    let the_systems = HttpClient::new().unwrap();
    let anothers = HttpClient::builder().trust_only(other).build().unwrap();
    let with_plain_http = http().build().unwrap();
    for http in [the_systems, anothers, with_plain_http] {
        let keys = RemoteKeys::jwks(&url).http_client(http).connect();
        let error = within("connecting", keys).await.unwrap_err();
        assert_eq!(error.to_string(), format!("the request to {url} failed"));
    }
    assert_eq!(publisher.provider.request_count(), 0);
}

#[tokio::test]
async fn roots_that_arent_certificates_are_refused() {
    for pem in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let error = HttpClient::builder().trust_only(pem).build().unwrap_err();
        assert_eq!(error.to_string(), "the HTTP client can't be made", "{pem:?}");
    }
}
