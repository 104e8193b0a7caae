//! Schemes: kinds of credentials, and how they are read from the head of a call.

mod api_key;
mod authorization;
mod basic;
mod bearer;
mod call_head;
#[cfg(feature = "client-certificate")]
mod client_certificate;
mod extraction;
mod from_extensions;
mod header_name;
mod location;
mod scheme_trait;

#[cfg(feature = "client")]
pub(crate) use self::authorization::is_token68;
pub(crate) use self::call_head::AuthorizationHeader;
#[cfg(feature = "client-certificate")]
#[cfg_attr(docsrs, doc(cfg(feature = "client-certificate")))]
pub use self::client_certificate::{CertificateChain, ClientCertificate};
pub use self::{
    api_key::{ApiKey, ApiKeyValue},
    basic::{Basic, BasicCredentials},
    bearer::{Bearer, BearerToken},
    call_head::{CallHead, RpcName},
    extraction::{ExtractError, Extraction},
    from_extensions::{FromExtensions, TrustExtension},
    location::CredentialLocation,
    scheme_trait::Scheme,
};
