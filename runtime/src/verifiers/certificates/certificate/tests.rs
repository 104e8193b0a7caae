use std::net::IpAddr;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, IsCa, KeyPair, SanType, SerialNumber,
    date_time_ymd,
};

use super::*;
use crate::reason::Reason;
use crate::verifiers::certificates::alt_name::SubjectAltName;

fn der(change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
    let mut params = CertificateParams::default();
    change(&mut params);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

fn rejection(der: &[u8], now: SystemTime) -> Option<Reason> {
    Certificate::parse_valid(der, now).err().map(|error| error.into_parts().0)
}

fn extension(oid: &[u64], content: &[u8]) -> CustomExtension {
    CustomExtension::from_oid_content(oid, content.to_vec())
}

const SAN: [u64; 4] = [2, 5, 29, 17];
const KEY_USAGE: [u64; 4] = [2, 5, 29, 15];
const BASIC_CONSTRAINTS: [u64; 4] = [2, 5, 29, 19];

#[test]
fn certificate_is_valid_from_its_first_to_its_last_second() {
    let der = der(|params| {
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2026, 2, 1);
    });
    let first = UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    let last = UNIX_EPOCH + Duration::from_secs(1_769_904_000);
    let second = Duration::from_secs(1);
    let nearly = Duration::from_millis(999);
    assert_eq!(rejection(&der, first - second), Some(Reason::Invalid));
    assert_eq!(rejection(&der, first), None);
    assert_eq!(rejection(&der, last + nearly), None);
    assert_eq!(rejection(&der, last + second), Some(Reason::Expired));
    assert_eq!(rejection(&der, UNIX_EPOCH - second), Some(Reason::Unavailable));
    let certificate = Certificate::parse_valid(&der, first).unwrap();
    assert_eq!((certificate.not_before(), certificate.not_after()), (first, last));
}

#[test]
fn date_before_1970_is_returned() {
    let der = der(|params| params.not_before = date_time_ymd(1969, 12, 31));
    let certificate = Certificate::parse_valid(&der, SystemTime::now()).unwrap();
    assert_eq!(certificate.not_before(), UNIX_EPOCH - Duration::from_secs(86_400));
    assert_eq!(certificate.der(), der);
}

#[test]
fn ca_certificate_is_rejected() {
    for constraints in [BasicConstraints::Unconstrained, BasicConstraints::Constrained(0)] {
        let der = der(|params| params.is_ca = IsCa::Ca(constraints));
        assert_eq!(rejection(&der, SystemTime::now()), Some(Reason::Invalid));
    }
    let der = der(|params| params.is_ca = IsCa::ExplicitNoCa);
    assert_eq!(rejection(&der, SystemTime::now()), None);
}

#[test]
fn bytes_other_than_a_certificate_are_malformed() {
    let good = der(|_| {});
    assert_eq!(rejection(&good, SystemTime::now()), None);
    let (_, rest) = good.split_first().unwrap();
    let (_, cut) = good.split_last().unwrap();
    for bad in [&[], rest, cut, &[good.as_slice(), &[0]].concat(), &good.repeat(2)] {
        assert_eq!(rejection(bad, SystemTime::now()), Some(Reason::Malformed));
    }
}

#[test]
fn duplicate_extension_is_malformed() {
    // One DNS name, `a`.
    let name = [0x30, 3, 0x82, 1, b'a'];
    for again in [
        extension(&SAN, &name),
        // An unknown extension, which another parser may know.
        extension(&[1, 2, 3], &[5, 0]),
    ] {
        let once = der(|params| params.custom_extensions = vec![again.clone()]);
        assert_eq!(rejection(&once, SystemTime::now()), None);
        let twice = der(|params| params.custom_extensions = vec![again.clone(), again]);
        assert_eq!(rejection(&twice, SystemTime::now()), Some(Reason::Malformed));
    }
    let both = der(|params| {
        params.subject_alt_names = vec![SanType::DnsName("b".try_into().unwrap())];
        params.custom_extensions = vec![extension(&SAN, &name)];
    });
    assert_eq!(rejection(&both, SystemTime::now()), Some(Reason::Malformed));
}

#[test]
fn extension_with_missing_or_trailing_bytes_is_malformed() {
    for (oid, content) in [
        (&SAN, &[0x30, 3, 0x82, 1, b'a'][..]),
        (&BASIC_CONSTRAINTS, &[0x30, 0]),
        (&KEY_USAGE, &[3, 2, 7, 0x80]),
    ] {
        let made =
            |content: &[u8]| der(|params| params.custom_extensions = vec![extension(oid, content)]);
        assert_eq!(rejection(&made(content), SystemTime::now()), None, "{oid:?}");
        let more = [content, &[5, 0]].concat();
        let (_, less) = content.split_last().unwrap();
        for bad in [&more, less, &[], &[0x30], &[5, 0]] {
            let reason = rejection(&made(bad), SystemTime::now());
            assert_eq!(reason, Some(Reason::Malformed), "{oid:?} {bad:?}");
        }
    }
}

#[test]
fn alt_names_are_read_by_kind() {
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
    let certificate = Certificate::parse_valid(&der, SystemTime::now()).unwrap();
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
fn invalid_alt_name_is_malformed() {
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
        // A DNS name must be of the context-specific class.
        (0x02, b"a"),
    ] {
        let names = [&[kind, name.len() as u8], name].concat();
        let content = [&[0x30, names.len() as u8], names.as_slice()].concat();
        let der = der(|params| params.custom_extensions = vec![extension(&SAN, &content)]);
        let reason = rejection(&der, SystemTime::now());
        assert_eq!(reason, Some(Reason::Malformed), "{kind:x} {name:?}");
    }
}

#[test]
fn names_are_not_printed() {
    let der = der(|params| {
        params.subject_alt_names = vec![SanType::DnsName("acme.example".try_into().unwrap())];
        params.serial_number = Some(SerialNumber::from(7));
    });
    let printed = format!("{:?}", Certificate::parse_valid(&der, SystemTime::now()).unwrap());
    assert!(printed.starts_with("Certificate { fingerprint: Fingerprint("), "{printed}");
    assert!(!printed.contains("acme"), "{printed}");
}
