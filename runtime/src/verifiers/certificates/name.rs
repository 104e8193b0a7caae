//! Distinguished names as structured values.

use x509_parser::{asn1_rs::Tag, x509::X509Name};

/// A distinguished name (RFC 5280, section 4.1.2.4): a certificate's subject or issuer.
///
/// A name is a sequence of sets of attributes. It has no text form on purpose: a comparison would have to
/// parse the text, and a value may contain text that looks like a separator:
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
///         return Err(AuthError::invalid().because("the certificate is that of another organization"));
///     }
///     match subject.only(Name::COMMON_NAME) {
///         Some(name) => Ok(name.to_owned()),
///         None => Err(AuthError::invalid().because("expected exactly one common name")),
///     }
/// });
///
/// // Admitted.
/// let caller = ours.authenticate(chain("Acme", "billing")).await;
/// assert_eq!(caller.unwrap().into_identity(), "billing");
/// // Rejected: the organization is "Evil, O=Acme".
/// assert!(ours.authenticate(chain("Evil, O=Acme", "billing")).await.is_err());
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(Vec<Vec<Attribute>>);

/// An attribute of a [`Name`]: a type and a value.
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
    /// A value of another ASN.1 type, such as an older encoding of text: its tag and its bytes.
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
    /// `serialNumber`, that of the subject and not that of the certificate.
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

    /// The sets of attributes (`RDNSequence`) in their order. Most sets have one attribute.
    pub fn rdns(&self) -> impl Iterator<Item = &[Attribute]> {
        self.0.iter().map(Vec::as_slice)
    }

    /// The text of the only attribute with this type. Returns `None` if there are several or none, or if
    /// the value isn't text.
    pub fn only(&self, oid: &str) -> Option<&str> {
        let mut found = self.0.iter().flatten().filter(|attribute| attribute.oid == oid);
        match (found.next(), found.next()) {
            (Some(Attribute { value: Value::Text(text), .. }), None) => Some(text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{
        CertificateParams, DistinguishedName, DnType, DnValue, KeyPair,
        string::{BmpString, PrintableString},
    };
    use x509_parser::prelude::FromDer;

    use super::*;

    fn subject(attributes: impl IntoIterator<Item = (DnType, DnValue)>) -> Name {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in attributes {
            params.distinguished_name.push(kind, value);
        }
        let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let (_, parsed) = x509_parser::certificate::X509Certificate::from_der(made.der()).unwrap();
        Name::new(parsed.subject())
    }

    fn text(text: &str) -> DnValue {
        DnValue::Utf8String(text.into())
    }

    #[test]
    fn separator_within_a_value_is_part_of_the_value() {
        let name = subject([
            (DnType::OrganizationName, text("Evil, O=Acme")),
            (DnType::CommonName, text("a+CN=b/OU=c")),
        ]);
        assert_eq!(name.only(Name::ORGANIZATION), Some("Evil, O=Acme"));
        assert_eq!(name.only(Name::COMMON_NAME), Some("a+CN=b/OU=c"));
        assert_eq!(name.only(Name::ORGANIZATIONAL_UNIT), None);
    }

    #[test]
    fn attribute_in_several_sets_or_twice_in_one_is_not_the_only_one() {
        // CN=a+CN=b, CN=c, OU=d+O=e: rcgen can't create sets with several attributes.
        let attribute = |kind: u8, value: u8| vec![0x30, 8, 6, 3, 0x55, 4, kind, 0x0c, 1, value];
        let set = |attributes: &[Vec<u8>]| {
            let inner = attributes.concat();
            [vec![0x31, inner.len() as u8], inner].concat()
        };
        let sets = [
            set(&[attribute(3, b'a'), attribute(3, b'b')]),
            set(&[attribute(3, b'c')]),
            set(&[attribute(11, b'd'), attribute(10, b'e')]),
        ]
        .concat();
        let der = [vec![0x30, sets.len() as u8], sets].concat();
        let (_, parsed) = X509Name::from_der(&der).unwrap();
        let name = Name::new(&parsed);
        assert_eq!(name.rdns().map(<[Attribute]>::len).collect::<Vec<_>>(), [2, 1, 2]);
        assert_eq!(name.only(Name::COMMON_NAME), None);
        assert_eq!(name.only(Name::ORGANIZATIONAL_UNIT), Some("d"));
        assert_eq!(name.only(Name::ORGANIZATION), Some("e"));
    }

    #[test]
    fn text_in_two_encodings_is_equal_and_other_encodings_are_not_text() {
        let utf8 = subject([(DnType::CommonName, text("acme"))]);
        let printable = PrintableString::try_from("acme").unwrap();
        let printable = subject([(DnType::CommonName, DnValue::PrintableString(printable))]);
        assert_eq!(utf8, printable);
        let bmp = BmpString::try_from("acme").unwrap();
        let bmp = subject([(DnType::CommonName, DnValue::BmpString(bmp))]);
        assert_ne!(utf8, bmp);
        assert_eq!(bmp.only(Name::COMMON_NAME), None);
    }
}
