//! A parsed client certificate.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use x509_parser::{
    certificate::{X509Certificate, X509CertificateParser},
    extensions::{BasicConstraints, KeyUsage},
    nom::Parser,
    oid_registry::{OID_X509_EXT_BASIC_CONSTRAINTS, OID_X509_EXT_KEY_USAGE},
};

use super::{
    alt_name::SubjectAltName,
    extension::{ParseError, extension},
    fingerprint::Fingerprint,
    name::Name,
};
use crate::error::AuthError;

#[cfg(test)]
mod tests;

/// A client's end-entity certificate that is valid now.
pub struct Certificate<'a> {
    der: &'a [u8],
    x509: X509Certificate<'a>,
    alt_names: Vec<SubjectAltName>,
    key_usage: Option<KeyUsage>,
    is_ca: bool,
}

impl<'a> Certificate<'a> {
    /// Parses `der` and checks that it is an end-entity certificate that is valid at `now`.
    pub(super) fn parse_valid(der: &'a [u8], now: SystemTime) -> Result<Self, AuthError> {
        let certificate =
            Certificate::parse(der).map_err(|error| AuthError::malformed().because(error))?;
        certificate.check_dates(now)?;
        if certificate.is_ca {
            return Err(AuthError::invalid().because("the certificate is that of a CA"));
        }
        Ok(certificate)
    }

    fn parse(der: &'a [u8]) -> Result<Self, ParseError> {
        // x509-parser ignores trailing bytes in an extension, and takes a CA certificate with unreadable
        // basic constraints for an end-entity certificate. So the extensions are parsed below.
        let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
        let (rest, x509) = parser.parse(der).map_err(|_| ParseError::Syntax)?;
        if !rest.is_empty() {
            return Err(ParseError::TrailingData);
        }
        let extensions = x509.extensions();
        for (at, extension) in extensions.iter().enumerate() {
            // Of two extensions, one parser takes the first and another the last (RFC 5280, section 4.2).
            if extensions.iter().take(at).any(|other| other.oid == extension.oid) {
                return Err(ParseError::DuplicateExtension);
            }
        }
        let constraints: Option<BasicConstraints> =
            extension(&x509, &OID_X509_EXT_BASIC_CONSTRAINTS, "basic constraints")?;
        let key_usage = extension(&x509, &OID_X509_EXT_KEY_USAGE, "key usage")?;
        let alt_names = SubjectAltName::read_all(&x509)?;
        let is_ca = constraints.is_some_and(|constraints| constraints.ca);
        Ok(Certificate { der, x509, alt_names, key_usage, is_ca })
    }

    fn check_dates(&self, now: SystemTime) -> Result<(), AuthError> {
        let now = now.duration_since(UNIX_EPOCH).ok().and_then(|now| now.as_secs().try_into().ok());
        let Some(now) = now else {
            return Err(AuthError::unavailable().because("the system clock is before 1970"));
        };
        let now: i64 = now;
        // The period includes both dates (RFC 5280, section 4.1.2.5).
        let validity = self.x509.validity();
        if now < validity.not_before.timestamp() {
            return Err(AuthError::invalid().because("the certificate isn't valid yet"));
        }
        if now > validity.not_after.timestamp() {
            return Err(AuthError::expired().because("the certificate has expired"));
        }
        Ok(())
    }

    /// The certificate in DER.
    pub fn der(&self) -> &'a [u8] {
        self.der
    }

    /// The SHA-256 of the DER.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.der)
    }

    /// The subject, which may be empty.
    pub fn subject(&self) -> Name {
        Name::new(self.x509.subject())
    }

    /// The issuer.
    ///
    /// If a server trusts several CAs, identify a caller by the subject and the issuer together.
    pub fn issuer(&self) -> Name {
        Name::new(self.x509.issuer())
    }

    /// The alternative names that are DNS names, URIs, IP addresses or e-mail addresses, in their order.
    pub fn alt_names(&self) -> &[SubjectAltName] {
        &self.alt_names
    }

    /// The first second in which the certificate is valid.
    pub fn not_before(&self) -> SystemTime {
        system_time(self.x509.validity().not_before.timestamp())
    }

    /// The last second in which the certificate is valid. Later calls of the connection are rejected.
    pub fn not_after(&self) -> SystemTime {
        system_time(self.x509.validity().not_after.timestamp())
    }

    pub(super) fn key_usage(&self) -> Option<&KeyUsage> {
        self.key_usage.as_ref()
    }
}

impl fmt::Debug for Certificate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

fn system_time(timestamp: i64) -> SystemTime {
    let distance = Duration::from_secs(timestamp.unsigned_abs());
    let time = if timestamp < 0 {
        UNIX_EPOCH.checked_sub(distance)
    } else {
        UNIX_EPOCH.checked_add(distance)
    };
    // `SystemTime` can hold every date of a certificate, whose years have four digits.
    time.unwrap_or(UNIX_EPOCH)
}
