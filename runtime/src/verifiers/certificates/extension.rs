//! Reads an extension of a certificate completely, unlike x509-parser itself.

use std::{error::Error, fmt};

use x509_parser::{
    certificate::X509Certificate, error::X509Error, oid_registry::Oid, prelude::FromDer,
};

/// Why a certificate can't be parsed, for the operator's log. It contains nothing of the certificate.
#[derive(Debug)]
pub(super) enum ParseError {
    Syntax,
    TrailingData,
    DuplicateExtension,
    Extension(&'static str),
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParseError::Syntax => f.write_str("the certificate isn't X.509 in DER"),
            ParseError::TrailingData => f.write_str("the certificate is followed by other bytes"),
            ParseError::DuplicateExtension => {
                f.write_str("the certificate has a duplicate extension")
            }
            ParseError::Extension(name) => write!(f, "the certificate's {name} can't be read"),
        }
    }
}

impl Error for ParseError {}

/// Parses the extension `oid`, which must have no trailing bytes.
pub(super) fn extension<'a, E: FromDer<'a, X509Error>>(
    x509: &X509Certificate<'a>,
    oid: &Oid<'_>,
    name: &'static str,
) -> Result<Option<E>, ParseError> {
    let Some(extension) = x509.extensions().iter().find(|extension| extension.oid == *oid) else {
        return Ok(None);
    };
    match E::from_der(extension.value) {
        Ok((&[], parsed)) => Ok(Some(parsed)),
        _ => Err(ParseError::Extension(name)),
    }
}
