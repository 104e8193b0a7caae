//! No input makes a parser panic, and parsed values have one spelling.

use proptest::prelude::*;
use rcgen::KeyUsagePurpose;
use tonic_guard::{
    Authenticate, Authenticated,
    certificates::{
        Certificate, CertificateVerifier, Fingerprint, SpiffeId, SpiffeIds, TrustDomain,
    },
    scheme::CertificateChain,
};

use crate::support::{Identity, client, dns, uri};

fn certificate() -> Vec<u8> {
    let names = [uri("spiffe://prod.example/billing"), dns("billing.example")];
    let mut params = client(names);
    params.key_usages.push(KeyUsagePurpose::KeyAgreement);
    Identity::self_signed(&params).chain[0].to_vec()
}

fn admitted(der: Vec<u8>) -> Option<SpiffeId> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let chain = CertificateChain::from_der([der]);
    // Reads every field of a certificate.
    let reads_all = CertificateVerifier::new(|certificate: &Certificate<'_>| {
        drop((certificate.subject(), certificate.issuer(), certificate.fingerprint()));
        drop((certificate.not_before(), certificate.not_after(), format!("{certificate:?}")));
        Ok(())
    });
    _ = runtime.block_on(reads_all.authenticate(chain.clone()));
    let mesh = SpiffeIds::new(["prod.example".parse().unwrap()], Ok);
    runtime.block_on(mesh.authenticate(chain)).ok().map(Authenticated::into_identity)
}

proptest! {
    #[test]
    fn spiffe_id_equals_its_parts(text in ".{0,40}|spiffe://[ -~]{0,24}|spiffe://[a-z./-]{1,24}") {
        if let Ok(id) = text.parse::<SpiffeId>() {
            prop_assert_eq!(format!("spiffe://{}{}", id.trust_domain(), id.path()), text.clone());
            prop_assert!(id.trust_domain().parse::<TrustDomain>().is_ok());
            prop_assert!(id.path().is_empty() || id.path().starts_with('/'));
            prop_assert!(!id.path().contains("/../") && !text.ends_with('/'));
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":/.-_".contains(&byte)));
        }
    }

    #[test]
    fn fingerprint_round_trips(text in "[0-9a-fA-F]{64}|[0-9a-f:]{60,100}|.{0,70}") {
        if let Ok(fingerprint) = text.parse::<Fingerprint>() {
            prop_assert_eq!(fingerprint.to_string(), text.replace(':', "").to_ascii_lowercase());
        }
    }

    #[test]
    fn verifiers_never_panic(der in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert_eq!(admitted(der), None);
    }

    /// rustls would reject these certificates, because their signature is broken.
    #[test]
    fn corrupted_certificate_never_changes_the_trust_domain(
        spoil in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
        whole in any::<bool>(),
    ) {
        let mut der = certificate();
        for (at, byte) in spoil {
            let at = at.index(der.len());
            der[at] = byte;
        }
        if !whole {
            der.truncate(cut.index(der.len()));
            prop_assert_eq!(admitted(der), None);
        } else if let Some(id) = admitted(der) {
            prop_assert_eq!(id.trust_domain(), "prod.example");
        }
    }
}
