//! Verifiers of client certificates: who a caller is by what its certificate says.
//!
//! Trust stays with rustls: it has built a path from the certificate to a CA of the server's before the
//! first call. What is left to say is who the caller is, and whether the certificate still holds. Its
//! dates are checked on every call, because a connection may outlive them, and so may a TLS session that
//! is resumed.
//!
//! - [`SpiffeIds`] for workloads of a mesh: the SPIFFE ID of an X.509-SVID.
//! - [`CertificateVerifier`] for anything else: by [fingerprint](CertificateVerifier::by_fingerprint), by
//!   [alternative name](CertificateVerifier::by_name), or by a function of yours that is given the
//!   [`Certificate`].
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
//! // Let in: a workload of the trust domain.
//! let caller = mesh.authenticate(chain("spiffe://prod.example/billing")).await;
//! assert_eq!(caller.unwrap(), Partner::Billing);
//!
//! // Refused: the same path in another trust domain.
//! let caller = mesh.authenticate(chain("spiffe://test.example/billing")).await;
//! assert!(caller.is_err());
//! # Ok(())
//! # }
//! ```
//!
//! # What these can't do
//!
//! - No certificate is revoked here. rustls checks revocation lists where its configuration has them;
//!   tonic's doesn't. Certificates that live for hours make up for it.
//! - A proxy that ends TLS shows its own certificate, not the caller's.
//! - The dates of intermediate certificates and of the CA are checked as the connection is made, not on
//!   every call.

mod certificate;
mod fingerprint;
mod name;
mod spiffe;
mod verifier;

pub use certificate::{Certificate, SubjectAltName};
pub use fingerprint::{Fingerprint, InvalidFingerprint};
pub use name::{Attribute, Name, Value};
pub use spiffe::{InvalidSpiffeId, SpiffeId, SpiffeIds, TrustDomain};
pub use verifier::CertificateVerifier;
