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

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, CustomExtension, IsCa, KeyPair, SanType, SerialNumber,
        date_time_ymd,
    };

    use super::*;
    use crate::reason::Reason;

    fn der(change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        let mut params = CertificateParams::default();
        change(&mut params);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn refused(der: &[u8], now: SystemTime) -> Option<Reason> {
        Certificate::current(der, now).err().map(|error| error.into_parts().0)
    }

    fn extension(oid: &[u64], content: &[u8]) -> CustomExtension {
        CustomExtension::from_oid_content(oid, content.to_vec())
    }

    const SAN: [u64; 4] = [2, 5, 29, 17];
    const KEY_USAGE: [u64; 4] = [2, 5, 29, 15];
    const BASIC_CONSTRAINTS: [u64; 4] = [2, 5, 29, 19];

    #[test]
    fn both_dates_are_within_the_period() {
        let der = der(|params| {
            params.not_before = date_time_ymd(2026, 1, 1);
            params.not_after = date_time_ymd(2026, 2, 1);
        });
        let first = UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        let last = UNIX_EPOCH + Duration::from_secs(1_769_904_000);
        let second = Duration::from_secs(1);
        let nearly = Duration::from_millis(999);
        assert_eq!(refused(&der, first - second), Some(Reason::Invalid));
        assert_eq!(refused(&der, first), None);
        assert_eq!(refused(&der, last + nearly), None);
        assert_eq!(refused(&der, last + second), Some(Reason::Expired));
        assert_eq!(refused(&der, UNIX_EPOCH - second), Some(Reason::Unavailable));
        let certificate = Certificate::current(&der, first).unwrap();
        assert_eq!((certificate.not_before(), certificate.not_after()), (first, last));
    }

    #[test]
    fn dates_before_1970_are_told() {
        let der = der(|params| params.not_before = date_time_ymd(1969, 12, 31));
        let certificate = Certificate::current(&der, SystemTime::now()).unwrap();
        assert_eq!(certificate.not_before(), UNIX_EPOCH - Duration::from_secs(86_400));
        assert_eq!(certificate.der(), der);
    }

    #[test]
    fn a_ca_is_no_caller() {
        for constraints in [BasicConstraints::Unconstrained, BasicConstraints::Constrained(0)] {
            let der = der(|params| params.is_ca = IsCa::Ca(constraints));
            assert_eq!(refused(&der, SystemTime::now()), Some(Reason::Invalid));
        }
        let der = der(|params| params.is_ca = IsCa::ExplicitNoCa);
        assert_eq!(refused(&der, SystemTime::now()), None);
    }

    #[test]
    fn what_is_no_certificate_is_malformed() {
        let good = der(|_| {});
        assert_eq!(refused(&good, SystemTime::now()), None);
        let (_, rest) = good.split_first().unwrap();
        let (_, cut) = good.split_last().unwrap();
        for bad in [&[], rest, cut, &[good.as_slice(), &[0]].concat(), &good.repeat(2)] {
            assert_eq!(refused(bad, SystemTime::now()), Some(Reason::Malformed));
        }
    }

    #[test]
    fn an_extension_twice_is_malformed() {
        // One DNS name, `a`.
        let name = [0x30, 3, 0x82, 1, b'a'];
        for again in [
            extension(&SAN, &name),
            // Nobody reads this one; another reader may.
            extension(&[1, 2, 3], &[5, 0]),
        ] {
            let once = der(|params| params.custom_extensions = vec![again.clone()]);
            assert_eq!(refused(&once, SystemTime::now()), None);
            let twice = der(|params| params.custom_extensions = vec![again.clone(), again]);
            assert_eq!(refused(&twice, SystemTime::now()), Some(Reason::Malformed));
        }
        let both = der(|params| {
            params.subject_alt_names = vec![SanType::DnsName("b".try_into().unwrap())];
            params.custom_extensions = vec![extension(&SAN, &name)];
        });
        assert_eq!(refused(&both, SystemTime::now()), Some(Reason::Malformed));
    }

    #[test]
    fn extensions_are_read_to_their_last_byte() {
        for (oid, content) in [
            (&SAN, &[0x30, 3, 0x82, 1, b'a'][..]),
            (&BASIC_CONSTRAINTS, &[0x30, 0]),
            (&KEY_USAGE, &[3, 2, 7, 0x80]),
        ] {
            let made = |content: &[u8]| {
                der(|params| params.custom_extensions = vec![extension(oid, content)])
            };
            assert_eq!(refused(&made(content), SystemTime::now()), None, "{oid:?}");
            let more = [content, &[5, 0]].concat();
            let (_, less) = content.split_last().unwrap();
            for bad in [&more, less, &[], &[0x30], &[5, 0]] {
                let reason = refused(&made(bad), SystemTime::now());
                assert_eq!(reason, Some(Reason::Malformed), "{oid:?} {bad:?}");
            }
        }
    }

    #[test]
    fn names_are_read_by_their_kind() {
        let ipv6: IpAddr = "2001:db8::1".parse().unwrap();
        let der = der(|params| {
            params.subject_alt_names = vec![
                SanType::DnsName("Billing.Acme.example".try_into().unwrap()),
                SanType::URI("https://acme.example/A".try_into().unwrap()),
                SanType::IpAddress(IpAddr::from([192, 0, 2, 1])),
                SanType::IpAddress(ipv6),
                SanType::Rfc822Name("Ops@acme.example".try_into().unwrap()),
                SanType::OtherName((vec![1, 2, 3], "x".to_owned().into())),
            ];
        });
        let certificate = Certificate::current(&der, SystemTime::now()).unwrap();
        assert_eq!(
            certificate.alt_names(),
            [
                SubjectAltName::dns("billing.acme.example"),
                SubjectAltName::Uri("https://acme.example/A".into()),
                SubjectAltName::Ip(IpAddr::from([192, 0, 2, 1])),
                SubjectAltName::Ip(ipv6),
                SubjectAltName::Email("Ops@acme.example".into()),
            ]
        );
    }

    #[test]
    fn a_name_that_is_none_is_malformed() {
        for (kind, name) in [
            (0x82, &b""[..]),
            (0x82, b"a\0b"),
            (0x82, b"a\nb"),
            (0x82, "é".as_bytes()),
            (0x82, b"\xff"),
            (0x86, b"spiffe://d/\x7f"),
            (0x86, b"\xff"),
            (0x81, b"a@b\0"),
            (0x87, b""),
            (0x87, b"abc"),
            (0x87, b"abcdefgh"),
            (0x89, b"a"),
            // A DNS name of the universal class is no name.
            (0x02, b"a"),
        ] {
            let names = [&[kind, name.len() as u8], name].concat();
            let content = [&[0x30, names.len() as u8], names.as_slice()].concat();
            let der = der(|params| params.custom_extensions = vec![extension(&SAN, &content)]);
            let reason = refused(&der, SystemTime::now());
            assert_eq!(reason, Some(Reason::Malformed), "{kind:x} {name:?}");
        }
    }

    #[test]
    fn it_prints_no_names() {
        let der = der(|params| {
            params.subject_alt_names = vec![SanType::DnsName("acme.example".try_into().unwrap())];
            params.serial_number = Some(SerialNumber::from(7));
        });
        let printed = format!("{:?}", Certificate::current(&der, SystemTime::now()).unwrap());
        assert!(printed.starts_with("Certificate { fingerprint: Fingerprint("), "{printed}");
        assert!(!printed.contains("acme"), "{printed}");
    }
}
