//! Callers identified by a fingerprint, an alternative name or the subject.

use std::net::IpAddr;

use rcgen::{DnType, SanType};
use tonic_guard::{
    AuthError,
    certificates::{Certificate, CertificateVerifier, Fingerprint, Name, SubjectAltName},
};

use crate::support::{Ca, Checks, Client, Identity, Server, client, dns, uri};

const INVALID: &str = "Unauthenticated CREDENTIALS_INVALID";

async fn outcome(server: &Server, ca: &Ca, identity: &Identity) -> String {
    Client::new(server, ca, Some(identity)).certificate().await
}

fn fingerprint(identity: &Identity) -> Fingerprint {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &identity.chain[0]);
    let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    hex.parse().unwrap()
}

#[tokio::test]
async fn fingerprint_matches_one_certificate() {
    let ca = Ca::new();
    let known = ca.client([dns("acme.example")]);
    let verifier = CertificateVerifier::by_fingerprint([(fingerprint(&known), "acme".to_owned())]);
    let server = Server::start(Checks::Guard, &ca, false, verifier).await;
    assert_eq!(outcome(&server, &ca, &known).await, "acme");
    // Another certificate with the same names, and one whose chain includes the known certificate.
    let mut other = ca.client([dns("acme.example")]);
    assert_eq!(outcome(&server, &ca, &other).await, INVALID);
    other.chain.extend(known.chain);
    assert_eq!(outcome(&server, &ca, &other).await, INVALID);
}

#[tokio::test]
async fn listed_name_is_compared_exactly() {
    let ca = Ca::new();
    let address = IpAddr::from([192, 0, 2, 7]);
    let verifier = CertificateVerifier::by_name([
        (SubjectAltName::dns("Billing.acme.example"), "billing".to_owned()),
        (SubjectAltName::dns("shipping.acme.example"), "shipping".to_owned()),
        (SubjectAltName::Uri("urn:acme:1".into()), "one".to_owned()),
        (SubjectAltName::Ip(address), "host".to_owned()),
        (SubjectAltName::Email("ops@acme.example".into()), "ops".to_owned()),
    ]);
    let server = Server::start(Checks::Guard, &ca, false, verifier).await;
    let email = |email: &str| SanType::Rfc822Name(email.try_into().unwrap());
    let cases: &[(&[SanType], &str)] = &[
        (&[dns("billing.acme.example")], "billing"),
        (&[dns("BILLING.ACME.EXAMPLE")], "billing"),
        (&[dns("other.acme.example"), dns("shipping.acme.example")], "shipping"),
        (&[uri("urn:acme:1")], "one"),
        (&[SanType::IpAddress(address)], "host"),
        (&[email("ops@acme.example")], "ops"),
        (&[], INVALID),
        (&[dns("*.acme.example")], INVALID),
        (&[dns("acme.example")], INVALID),
        (&[dns("billing.acme.example.")], INVALID),
        (&[dns("billing.acme.example.evil.example")], INVALID),
        (&[dns("evil.billing.acme.example")], INVALID),
        (&[dns("urn:acme:1")], INVALID),
        (&[dns("192.0.2.7")], INVALID),
        (&[uri("billing.acme.example")], INVALID),
        (&[email("billing.acme.example")], INVALID),
        (&[email("OPS@acme.example")], INVALID),
        // Ambiguous: two listed names.
        (&[dns("billing.acme.example"), dns("shipping.acme.example")], INVALID),
        (&[dns("billing.acme.example"), uri("urn:acme:1")], INVALID),
    ];
    for (names, expected) in cases {
        let identity = ca.client(names.to_vec());
        assert_eq!(outcome(&server, &ca, &identity).await, *expected, "{names:?}");
    }
    // The common name doesn't count.
    let mut params = client([]);
    params.distinguished_name.push(DnType::CommonName, "billing.acme.example");
    assert_eq!(outcome(&server, &ca, &ca.sign(&params)).await, INVALID);
}

#[tokio::test]
async fn subject_is_compared_by_its_attributes() {
    let ca = Ca::new();
    let verifier = CertificateVerifier::new(|certificate: &Certificate<'_>| {
        let (subject, issuer) = (certificate.subject(), certificate.issuer());
        let matches = subject.only(Name::ORGANIZATION) == Some("Acme")
            && issuer.only(Name::COMMON_NAME) == Some("the CA");
        match subject.only(Name::COMMON_NAME) {
            Some(name) if matches => Ok(name.to_owned()),
            _ => Err(AuthError::invalid()),
        }
    });
    let server = Server::start(Checks::Guard, &ca, false, verifier).await;
    for (organization, name, expected) in [
        ("Acme", "billing", "billing"),
        ("Acme", "billing,O=Evil", "billing,O=Evil"),
        ("Evil", "billing", INVALID),
        ("Evil, O=Acme", "billing", INVALID),
        ("Evil", "billing,O=Acme", INVALID),
        ("acme", "billing", INVALID),
    ] {
        let mut params = client([]);
        params.distinguished_name.push(DnType::OrganizationName, organization);
        params.distinguished_name.push(DnType::CommonName, name);
        let outcome = outcome(&server, &ca, &ca.sign(&params)).await;
        assert_eq!(outcome, expected, "{organization} {name}");
    }
}

#[test]
fn duplicate_name_panics_at_start() {
    let name = SubjectAltName::dns("acme.example");
    let made = std::panic::catch_unwind(|| {
        CertificateVerifier::by_name([(name.clone(), 1), (SubjectAltName::dns("ACME.example"), 2)])
    });
    assert!(made.is_err());
    let one = "ab".repeat(32).parse::<Fingerprint>().unwrap();
    let made =
        std::panic::catch_unwind(|| CertificateVerifier::by_fingerprint([(one, 1), (one, 2)]));
    assert!(made.is_err());
}
