use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate authority (CA) of one test.
pub(crate) struct Ca {
    certificate: CertificateDer<'static>,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate chain with its private key.
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pem: String,
    key: KeyPair,
}

impl Ca {
    pub(crate) fn new() -> Ca {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "the CA");
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Ca {
            pem: certificate.pem(),
            certificate: certificate.der().clone(),
            issuer: Issuer::new(params, key),
        }
    }

    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.clone()
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// Signs a certificate with these parameters.
    pub(crate) fn sign(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { chain: vec![certificate.der().clone()], pem: certificate.pem(), key }
    }

    /// An intermediate CA below this one.
    pub(crate) fn intermediate(&self) -> Ca {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "a CA below");
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Ca {
            pem: certificate.pem(),
            certificate: certificate.der().clone(),
            issuer: Issuer::new(params, key),
        }
    }

    /// A certificate signed by a client's certificate, with that certificate in its chain.
    pub(crate) fn below_a_client(&self, names: impl IntoIterator<Item = SanType>) -> Identity {
        let params = client([dns("acme.example")]);
        let above = self.sign(&params);
        let certificate = above.chain[0].clone();
        let issuer = Issuer::new(params, above.key);
        let key = KeyPair::generate().unwrap();
        let below = client(names).signed_by(&key, &issuer).unwrap();
        Identity { chain: vec![below.der().clone(), certificate], pem: below.pem(), key }
    }

    /// A certificate for a client with these alternative names.
    pub(crate) fn client(&self, names: impl IntoIterator<Item = SanType>) -> Identity {
        self.sign(&client(names))
    }

    /// The certificate of the server `localhost`.
    pub(crate) fn server(&self) -> Identity {
        self.sign(&CertificateParams::new(["localhost".to_owned()]).unwrap())
    }
}

/// The parameters of a client's certificate.
pub(crate) fn client(names: impl IntoIterator<Item = SanType>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.subject_alt_names = names.into_iter().collect();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params
}

pub(crate) fn uri(uri: &str) -> SanType {
    SanType::URI(uri.try_into().unwrap())
}

pub(crate) fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

impl Identity {
    /// A certificate signed with its own key.
    pub(crate) fn self_signed(params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Identity { chain: vec![certificate.der().clone()], pem: certificate.pem(), key }
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }

    /// The certificate in PEM, and its key.
    pub(crate) fn pem(&self) -> (String, String) {
        (self.pem.clone(), self.key.serialize_pem())
    }
}
