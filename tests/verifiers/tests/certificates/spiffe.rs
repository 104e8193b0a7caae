//! SPIFFE IDs: the only URI of the client's leaf certificate, in a listed trust domain.

use rcgen::{CertificateParams, CustomExtension, KeyUsagePurpose, SanType};
use tonic_guard::{
    AuthError,
    certificates::{SpiffeId, SpiffeIds},
};

use crate::support::{Ca, Checks, Client, Identity, Server, client, dns, uri};

const INVALID: &str = "Unauthenticated CREDENTIALS_INVALID";
const MALFORMED: &str = "Unauthenticated CREDENTIALS_MALFORMED";
const BILLING: &str = "spiffe://prod.example/billing";

/// Admits the workloads of `prod.example` and `stage.example` except `/banned`.
fn mesh() -> SpiffeIds<String> {
    let domains = ["prod.example", "stage.example"].map(|domain| domain.parse().unwrap());
    SpiffeIds::new(domains, |id: SpiffeId| match id.path() {
        "/banned" => Err(AuthError::denied()),
        path => Ok(format!("{path} of {}", id.trust_domain())),
    })
}

async fn outcome(server: &Server, ca: &Ca, identity: &Identity) -> String {
    Client::new(server, ca, Some(identity)).certificate().await
}

#[tokio::test]
async fn workload_is_identified_by_its_only_uri() {
    let ca = Ca::new();
    for checks in [Checks::Guard, Checks::HandlerCheck] {
        let server = Server::start(checks, &ca, false, mesh()).await;
        let cases: &[(&[SanType], &str)] = &[
            (&[uri(BILLING)], "/billing of prod.example"),
            (&[uri("spiffe://stage.example/ns/a/sa/b")], "/ns/a/sa/b of stage.example"),
            // Names of other kinds are allowed beside it.
            (&[dns("billing.example"), uri(BILLING)], "/billing of prod.example"),
            (&[uri("spiffe://prod.example/banned")], "PermissionDenied PERMISSION_DENIED"),
            (&[], INVALID),
            (&[dns("prod.example")], INVALID),
            (&[dns("spiffe://prod.example/billing")], INVALID),
            (&[SanType::Rfc822Name(BILLING.try_into().unwrap())], INVALID),
            (&[uri(BILLING), uri("spiffe://prod.example/shipping")], INVALID),
            (&[uri(BILLING), uri(BILLING)], INVALID),
            (&[uri(BILLING), uri("https://acme.example")], INVALID),
            (&[uri("https://acme.example"), uri(BILLING)], INVALID),
            (&[uri("spiffe://test.example/billing")], INVALID),
            (&[uri("spiffe://prod.example.evil.example/billing")], INVALID),
            (&[uri("spiffe://evil.prod.example/billing")], INVALID),
            (&[uri("spiffe://prod/billing")], INVALID),
            (&[uri("spiffe://evil.example/prod.example/billing")], INVALID),
            (&[uri("spiffe://prod.example")], INVALID),
            (&[uri("spiffe://prod.example/")], INVALID),
            (&[uri("spiffe://prod.example/../billing")], INVALID),
            (&[uri("spiffe://prod.example@evil.example/billing")], INVALID),
            (&[uri("spiffe://prod.example:443/billing")], INVALID),
            (&[uri("SPIFFE://prod.example/billing")], INVALID),
            (&[uri("spiffe://PROD.example/billing")], INVALID),
            (&[uri("https://prod.example/billing")], INVALID),
            (&[uri("spiffe://prod.example/billing?x")], INVALID),
        ];
        for (names, expected) in cases {
            let identity = ca.client(names.to_vec());
            assert_eq!(outcome(&server, &ca, &identity).await, *expected, "{checks:?} {names:?}");
        }
    }
}

#[tokio::test]
async fn only_the_leaf_certificate_counts() {
    let ca = Ca::new();
    let server = Server::start(Checks::Guard, &ca, false, mesh()).await;
    // The leaf has no ID, and another real certificate of the chain has one.
    let mut identity = ca.client([]);
    identity.chain.extend(ca.client([uri(BILLING)]).chain);
    assert_eq!(outcome(&server, &ca, &identity).await, INVALID);

    let mut identity = ca.client([uri("spiffe://prod.example/shipping")]);
    identity.chain.extend(ca.client([uri(BILLING)]).chain);
    assert_eq!(outcome(&server, &ca, &identity).await, "/shipping of prod.example");
}

#[tokio::test]
async fn key_usage_must_be_a_workloads() {
    use KeyUsagePurpose::{CrlSign, DigitalSignature, KeyAgreement, KeyCertSign, KeyEncipherment};

    let ca = Ca::new();
    let server = Server::lax(&ca, mesh()).await;
    let cases: [(&[KeyUsagePurpose], &str); 7] = [
        (&[DigitalSignature], "/billing of prod.example"),
        (&[DigitalSignature, KeyEncipherment, KeyAgreement], "/billing of prod.example"),
        (&[], INVALID),
        (&[KeyAgreement], INVALID),
        (&[DigitalSignature, KeyCertSign], INVALID),
        (&[DigitalSignature, CrlSign], INVALID),
        (&[KeyCertSign], INVALID),
    ];
    for (usages, expected) in cases {
        let mut params = client([uri(BILLING)]);
        params.key_usages = usages.to_vec();
        assert_eq!(outcome(&server, &ca, &ca.sign(&params)).await, expected, "{usages:?}");
    }
}

/// tonic's TLS rejects these certificates. Another TLS may leave them to the verifier.
#[tokio::test]
async fn duplicate_extension_is_malformed() {
    let ca = Ca::new();
    let strict = Server::start(Checks::Guard, &ca, false, mesh()).await;
    let lax = Server::lax(&ca, mesh()).await;
    let names = |uri: &str| {
        let length = u8::try_from(uri.len()).unwrap();
        let content = [&[0x30, length + 2, 0x86, length], uri.as_bytes()].concat();
        CustomExtension::from_oid_content(&[2, 5, 29, 17], content)
    };
    let made = |change: fn(&mut CertificateParams), again: Option<CustomExtension>| {
        let mut params = client([]);
        change(&mut params);
        params.custom_extensions.push(names(BILLING));
        params.custom_extensions.extend(again);
        ca.sign(&params)
    };
    let once = made(|_| {}, None);
    assert_eq!(outcome(&lax, &ca, &once).await, "/billing of prod.example");
    for twice in [
        made(|_| {}, Some(names("spiffe://prod.example/shipping"))),
        made(|_| {}, Some(names(BILLING))),
        made(|params| params.subject_alt_names = vec![dns("acme.example")], None),
        made(
            |params| {
                let content = vec![3, 2, 7, 0x80];
                let usage = CustomExtension::from_oid_content(&[2, 5, 29, 15], content);
                params.custom_extensions.push(usage);
            },
            None,
        ),
    ] {
        assert_eq!(outcome(&lax, &ca, &twice).await, MALFORMED);
        assert_eq!(outcome(&strict, &ca, &twice).await, "no connection");
    }
}
