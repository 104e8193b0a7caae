//! The alternative names of a certificate's subject.

use std::net::IpAddr;

use x509_parser::{
    certificate::X509Certificate,
    extensions::{GeneralName, SubjectAlternativeName},
    oid_registry::OID_X509_EXT_SUBJECT_ALT_NAME,
};

use super::extension::{ParseError, extension};

/// An alternative name of a certificate's subject (RFC 5280, section 4.2.1.6).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubjectAltName {
    /// A DNS name in lower case. A wildcard isn't expanded: it is equal only to itself.
    Dns(String),
    /// A URI, unchanged.
    Uri(String),
    /// An IP address.
    Ip(IpAddr),
    /// An e-mail address, unchanged.
    Email(String),
}

impl SubjectAltName {
    /// The DNS name `name`, converted to lower case.
    pub fn dns(name: &str) -> Self {
        SubjectAltName::Dns(name.to_ascii_lowercase())
    }

    /// Reads the alternative names of a certificate and skips those of other kinds.
    pub(super) fn read_all(x509: &X509Certificate<'_>) -> Result<Vec<Self>, ParseError> {
        let extension: Option<SubjectAlternativeName<'_>> =
            extension(x509, &OID_X509_EXT_SUBJECT_ALT_NAME, EXTENSION)?;
        let general_names = extension.map(|names| names.general_names).unwrap_or_default();
        let mut names = Vec::with_capacity(general_names.len());
        for name in &general_names {
            names.push(match name {
                GeneralName::DNSName(name) => SubjectAltName::dns(printable(name)?),
                GeneralName::URI(uri) => SubjectAltName::Uri(printable(uri)?.to_owned()),
                GeneralName::RFC822Name(email) => {
                    SubjectAltName::Email(printable(email)?.to_owned())
                }
                GeneralName::IPAddress(bytes) => SubjectAltName::Ip(ip(bytes)?),
                GeneralName::Invalid(..) => return Err(ParseError::Extension(EXTENSION)),
                _ => continue,
            });
        }
        Ok(names)
    }
}

const EXTENSION: &str = "subject alternative name";

/// Checks that an IA5String is printable ASCII, because x509-parser accepts any UTF-8.
fn printable(text: &str) -> Result<&str, ParseError> {
    match !text.is_empty() && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        true => Ok(text),
        false => Err(ParseError::Extension(EXTENSION)),
    }
}

fn ip(bytes: &[u8]) -> Result<IpAddr, ParseError> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Ok(v4.into());
    }
    <[u8; 16]>::try_from(bytes).map(IpAddr::from).map_err(|_| ParseError::Extension(EXTENSION))
}
