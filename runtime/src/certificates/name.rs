//! Distinguished names, as structure.

use x509_parser::{asn1_rs::Tag, x509::X509Name};

/// A distinguished name (RFC 5280, section 4.1.2.4): a certificate's subject or issuer.
///
/// It is a sequence of sets of attributes, and there is no text form of it here. Text would have to be
/// taken apart again to be compared, and a value may hold what looks like a separator:
///
/// ```
/// # use tonic_guard::certificates::{Certificate, CertificateVerifier, Name};
/// # use tonic_guard::scheme::CertificateChain;
/// # use tonic_guard::{AuthError, Authenticate};
/// # use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
/// # fn chain(organization: &str, name: &str) -> CertificateChain {
/// #     let mut params = CertificateParams::default();
/// #     params.distinguished_name = DistinguishedName::new();
/// #     params.distinguished_name.push(DnType::OrganizationName, organization);
/// #     params.distinguished_name.push(DnType::CommonName, name);
/// #     let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
/// #     CertificateChain::from_der([certificate.der().to_vec()])
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let ours = CertificateVerifier::new(|certificate: &Certificate<'_>| {
///     let subject = certificate.subject();
///     if subject.only(Name::ORGANIZATION) != Some("Acme") {
///         return Err(AuthError::invalid().because("another organization's certificate"));
///     }
///     match subject.only(Name::COMMON_NAME) {
///         Some(name) => Ok(name.to_owned()),
///         None => Err(AuthError::invalid().because("not one common name")),
///     }
/// });
///
/// // Let in.
/// assert_eq!(ours.authenticate(chain("Acme", "billing")).await.unwrap(), "billing");
/// // Refused: the organization is called "Evil, O=Acme".
/// assert!(ours.authenticate(chain("Evil, O=Acme", "billing")).await.is_err());
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(Vec<Vec<Attribute>>);

/// One attribute of a [`Name`]: its type and its value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Attribute {
    /// The type as a dotted object identifier, such as [`Name::COMMON_NAME`].
    pub oid: String,
    /// The value.
    pub value: Value,
}

/// The value of an [`Attribute`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Value {
    /// Text: a UTF8String, PrintableString, IA5String or NumericString.
    Text(String),
    /// Anything else, such as the older encodings of text: its ASN.1 tag and its bytes.
    Other(u32, Vec<u8>),
}

impl Name {
    /// `CN`
    pub const COMMON_NAME: &str = "2.5.4.3";
    /// `C`
    pub const COUNTRY: &str = "2.5.4.6";
    /// `L`
    pub const LOCALITY: &str = "2.5.4.7";
    /// `O`
    pub const ORGANIZATION: &str = "2.5.4.10";
    /// `OU`
    pub const ORGANIZATIONAL_UNIT: &str = "2.5.4.11";
    /// `serialNumber`: of the subject, not of the certificate.
    pub const SERIAL_NUMBER: &str = "2.5.4.5";

    pub(super) fn new(name: &X509Name<'_>) -> Self {
        let attributes = |set: &x509_parser::x509::RelativeDistinguishedName<'_>| {
            let attribute = |attribute: &x509_parser::x509::AttributeTypeAndValue<'_>| {
                let value = match attribute.as_str() {
                    Ok(text) => Value::Text(text.to_owned()),
                    Err(_) => {
                        let Tag(tag) = attribute.attr_value().tag();
                        Value::Other(tag, attribute.as_slice().to_vec())
                    }
                };
                Attribute { oid: attribute.attr_type().to_id_string(), value }
            };
            set.iter().map(attribute).collect()
        };
        Name(name.iter_rdn().map(attributes).collect())
    }

    /// The sets of attributes (`RDNSequence`), in their order. Most sets have one attribute.
    pub fn rdns(&self) -> impl Iterator<Item = &[Attribute]> {
        self.0.iter().map(Vec::as_slice)
    }

    /// The text of the attribute with this type, if the name has exactly one such attribute and its
    /// value is text.
    pub fn only(&self, oid: &str) -> Option<&str> {
        let mut found = self.0.iter().flatten().filter(|attribute| attribute.oid == oid);
        match (found.next(), found.next()) {
            (Some(Attribute { value: Value::Text(text), .. }), None) => Some(text),
            _ => None,
        }
    }
}
