//! What a certificate says.

use std::{
    fmt,
    net::IpAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use x509_parser::{
    certificate::{X509Certificate, X509CertificateParser},
    error::X509Error,
    extensions::{BasicConstraints, GeneralName, KeyUsage, SubjectAlternativeName},
    nom::Parser,
    oid_registry::{
        OID_X509_EXT_BASIC_CONSTRAINTS, OID_X509_EXT_KEY_USAGE, OID_X509_EXT_SUBJECT_ALT_NAME, Oid,
    },
    prelude::FromDer,
};

use super::{fingerprint::Fingerprint, name::Name};
use crate::error::AuthError;

/// A client's own certificate, parsed. Its dates hold now.
pub struct Certificate<'a> {
    der: &'a [u8],
    x509: X509Certificate<'a>,
    alt_names: Vec<SubjectAltName>,
    key_usage: Option<KeyUsage>,
    is_ca: bool,
}

/// A name of the subject (RFC 5280, section 4.2.1.6).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubjectAltName {
    /// A DNS name, in lower case. A wildcard is a name like any other: it stands for nothing but itself.
    Dns(String),
    /// A URI, as it is written.
    Uri(String),
    /// An IP address.
    Ip(IpAddr),
    /// An e-mail address, as it is written.
    Email(String),
}

impl SubjectAltName {
    /// The DNS name `name`, in whatever case.
    pub fn dns(name: &str) -> Self {
        SubjectAltName::Dns(name.to_ascii_lowercase())
    }
}

/// Why a certificate can't be read. For the operator: it says nothing of what is in it.
#[derive(Debug)]
enum Unreadable {
    Syntax,
    TrailingData,
    DuplicateExtension,
    Extension(&'static str),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreadable::Syntax => f.write_str("the certificate isn't X.509 in DER"),
            Unreadable::TrailingData => f.write_str("the certificate is followed by other bytes"),
            Unreadable::DuplicateExtension => f.write_str("the certificate has an extension twice"),
            Unreadable::Extension(name) => write!(f, "the certificate's {name} can't be read"),
        }
    }
}

impl std::error::Error for Unreadable {}

impl<'a> Certificate<'a> {
    /// Reads `der` and checks that it is the certificate of an end entity whose dates hold at `now`.
    pub(super) fn current(der: &'a [u8], now: SystemTime) -> Result<Self, AuthError> {
        let certificate =
            Certificate::parse(der).map_err(|why| AuthError::malformed().because(why))?;
        certificate.check_dates(now)?;
        if certificate.is_ca {
            return Err(AuthError::invalid().because("a CA's certificate is no caller's"));
        }
        Ok(certificate)
    }

    fn parse(der: &'a [u8]) -> Result<Self, Unreadable> {
        // The extensions are read below: the parser ignores what follows inside one of them, and takes
        // a certificate for no CA's where it can't read the extension that says so.
        let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
        let (rest, x509) = parser.parse(der).map_err(|_| Unreadable::Syntax)?;
        if !rest.is_empty() {
            return Err(Unreadable::TrailingData);
        }
        let extensions = x509.extensions();
        for (at, extension) in extensions.iter().enumerate() {
            // RFC 5280, section 4.2: of two readers one could take the first and one the last.
            if extensions.iter().take(at).any(|other| other.oid == extension.oid) {
                return Err(Unreadable::DuplicateExtension);
            }
        }
        let constraints: Option<BasicConstraints> =
            extension(&x509, &OID_X509_EXT_BASIC_CONSTRAINTS, "basic constraints")?;
        let key_usage = extension(&x509, &OID_X509_EXT_KEY_USAGE, "key usage")?;
        let alt_names: Option<SubjectAlternativeName<'_>> =
            extension(&x509, &OID_X509_EXT_SUBJECT_ALT_NAME, ALT_NAMES)?;
        let alt_names = match &alt_names {
            Some(names) => read_alt_names(&names.general_names)?,
            None => Vec::new(),
        };
        let is_ca = constraints.is_some_and(|constraints| constraints.ca);
        Ok(Certificate { der, x509, alt_names, key_usage, is_ca })
    }

    fn check_dates(&self, now: SystemTime) -> Result<(), AuthError> {
        let now = now.duration_since(UNIX_EPOCH).ok().and_then(|now| now.as_secs().try_into().ok());
        let Some(now) = now else {
            return Err(AuthError::unavailable().because("the clock stands before 1970"));
        };
        let now: i64 = now;
        // RFC 5280, section 4.1.2.5: both dates are within the period.
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

    /// The subject. It may be empty.
    pub fn subject(&self) -> Name {
        Name::new(self.x509.subject())
    }

    /// The issuer, as the certificate names it.
    ///
    /// Where a server trusts several CAs, a subject means something only together with its issuer.
    pub fn issuer(&self) -> Name {
        Name::new(self.x509.issuer())
    }

    /// The subject's names that are DNS names, URIs, IP addresses and e-mail addresses, in their order.
    pub fn alt_names(&self) -> &[SubjectAltName] {
        &self.alt_names
    }

    /// The first second of the certificate's validity.
    pub fn not_before(&self) -> SystemTime {
        system_time(self.x509.validity().not_before.timestamp())
    }

    /// The last second of the certificate's validity. Calls of the same connection after it are refused.
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
    // A certificate's years have four digits, which every clock holds.
    time.unwrap_or(UNIX_EPOCH)
}

/// The extension `oid`, read to its last byte.
fn extension<'a, E: FromDer<'a, X509Error>>(
    x509: &X509Certificate<'a>,
    oid: &Oid<'_>,
    name: &'static str,
) -> Result<Option<E>, Unreadable> {
    let Some(extension) = x509.extensions().iter().find(|extension| extension.oid == *oid) else {
        return Ok(None);
    };
    match E::from_der(extension.value) {
        Ok((&[], read)) => Ok(Some(read)),
        _ => Err(Unreadable::Extension(name)),
    }
}

const ALT_NAMES: &str = "subject alternative name";

fn read_alt_names(names: &[GeneralName<'_>]) -> Result<Vec<SubjectAltName>, Unreadable> {
    let mut read = Vec::with_capacity(names.len());
    for name in names {
        read.push(match name {
            GeneralName::DNSName(name) => SubjectAltName::dns(printable(name)?),
            GeneralName::URI(uri) => SubjectAltName::Uri(printable(uri)?.to_owned()),
            GeneralName::RFC822Name(email) => SubjectAltName::Email(printable(email)?.to_owned()),
            GeneralName::IPAddress(bytes) => SubjectAltName::Ip(ip(bytes)?),
            GeneralName::Invalid(..) => return Err(Unreadable::Extension(ALT_NAMES)),
            // Kinds that nobody is known by here.
            _ => continue,
        });
    }
    Ok(read)
}

/// An IA5String without control characters: the parser takes any UTF-8 for one.
fn printable(text: &str) -> Result<&str, Unreadable> {
    match !text.is_empty() && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        true => Ok(text),
        false => Err(Unreadable::Extension(ALT_NAMES)),
    }
}

fn ip(bytes: &[u8]) -> Result<IpAddr, Unreadable> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Ok(v4.into());
    }
    <[u8; 16]>::try_from(bytes).map(IpAddr::from).map_err(|_| Unreadable::Extension(ALT_NAMES))
}
