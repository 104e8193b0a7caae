//! Verifiers of client certificates.
//!
//! rustls establishes trust: before the first call it has built a path from the certificate to a CA that
//! the server trusts. A verifier then identifies the caller and checks that the certificate is still valid.
//! It checks the dates on every call, because a connection or a resumed TLS session may outlive them.
//!
//! - [`SpiffeIds`] identifies the workloads of a mesh by the SPIFFE ID of their X.509-SVID.
//! - [`CertificateVerifier`] identifies other callers by
//!   [fingerprint](CertificateVerifier::by_fingerprint), by
//!   [alternative name](CertificateVerifier::by_name), or by a custom function of the [`Certificate`].
//!
//! ```
//! # use tonic_guard::certificates::SpiffeIds;
//! # use tonic_guard::scheme::{CertificateChain, ClientCertificate};
//! # use tonic_guard::{AuthError, Authenticate};
//! # use rcgen::{CertificateParams, KeyPair, KeyUsagePurpose, SanType};
//! # fn chain(uri: &str) -> CertificateChain {
//! #     let mut params = CertificateParams::default();
//! #     params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
//! #     params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
//! #     let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
//! #     CertificateChain::from_der([certificate.der().to_vec()])
//! # }
//! #[derive(Debug, PartialEq)]
//! enum Partner {
//!     Billing,
//!     Shipping,
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mesh = SpiffeIds::new(["prod.example".parse()?], |id| match id.path() {
//!     "/billing" => Ok(Partner::Billing),
//!     "/shipping" => Ok(Partner::Shipping),
//!     _ => Err(AuthError::denied()),
//! });
//!
//! // Admitted: a workload of the trust domain.
//! let caller = mesh.authenticate(chain("spiffe://prod.example/billing")).await;
//! assert_eq!(caller.unwrap().into_identity(), Partner::Billing);
//!
//! // Rejected: the same path in another trust domain.
//! let caller = mesh.authenticate(chain("spiffe://test.example/billing")).await;
//! assert!(caller.is_err());
//! # Ok(())
//! # }
//! ```
//!
//! # Limits
//!
//! - Revocation isn't checked. rustls checks revocation lists if its configuration has them, which tonic's
//!   configuration can't have. Use certificates that expire after hours instead.
//! - Behind a proxy that terminates TLS, the certificate is the proxy's and not the caller's.
//! - The dates of intermediate certificates and of the CA are checked when the connection is made, not on
//!   every call.

mod alt_name;
mod certificate;
mod extension;
mod fingerprint;
mod name;
mod spiffe_id;
mod spiffe_verifier;
mod verifier;

pub use self::{
    alt_name::SubjectAltName,
    certificate::Certificate,
    fingerprint::{Fingerprint, InvalidFingerprint},
    name::{Attribute, Name, Value},
    spiffe_id::{InvalidSpiffeId, SpiffeId, TrustDomain},
    spiffe_verifier::SpiffeIds,
    verifier::CertificateVerifier,
};
