//! A client certificate of arbitrary bytes, as from a handshake that accepts every certificate.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;
use tonic_guard::{
    AuthError, Authenticate,
    certificates::{CertificateVerifier, SpiffeIds, TrustDomain},
    scheme::CertificateChain,
};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime")
});

fuzz_target!(|data: &[u8]| {
    let chain = || CertificateChain::from_der([data.to_vec()]);
    let reading = CertificateVerifier::new(|certificate| {
        // Every part of a parsed certificate can be read and printed.
        let shown = format!(
            "{:?} {:?} {:?} {:?} {:?} {:?}",
            certificate.subject(),
            certificate.issuer(),
            certificate.alt_names(),
            certificate.not_before(),
            certificate.not_after(),
            certificate.fingerprint(),
        );
        if shown.is_empty() { Err(AuthError::invalid()) } else { Ok(()) }
    });
    let _ = RUNTIME.block_on(reading.authenticate(chain()));
    let domain: TrustDomain = "example.org".parse().expect("a trust domain");
    let spiffe = SpiffeIds::new([domain], |id| {
        assert_eq!(id.trust_domain(), "example.org");
        Ok(id.path().to_owned())
    });
    if let Ok(path) = RUNTIME.block_on(spiffe.authenticate(chain())) {
        let path = path.into_identity();
        let id = format!("spiffe://example.org{path}");
        assert!(data.windows(id.len()).any(|part| part == id.as_bytes()), "{id}");
    }
});
