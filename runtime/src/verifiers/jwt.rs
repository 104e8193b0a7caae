//! Signed tokens (JWT, RFC 7519) as bearer tokens.
//!
//! [`JwtVerifier`] checks them by the rules of RFC 8725, with keys that are parsed once.
//! [`Claims`] is a ready-made identity.

mod algorithm;
mod audience;
mod base64url;
mod byte_order_mark;
mod cache;
mod claim_rules;
mod claim_settings;
mod expectations;
mod header;
mod issuer_pattern;
mod issuers;
mod jwk;
mod key;
mod key_rejected;
mod key_set;
mod key_source;
mod keycloak;
mod named_claims;
mod newer_keys;
mod no_match;
mod pem;
mod reject;
#[cfg(feature = "jwks")]
mod remote_keys;
#[cfg(test)]
mod test_vectors;
mod unique_members;
mod unverified_claims;
mod unverified_token;
mod verifier;

#[cfg(feature = "jwks")]
#[cfg_attr(docsrs, doc(cfg(feature = "jwks")))]
pub use self::remote_keys::{RemoteKeys, RemoteKeysBuilder};
pub(crate) use self::unverified_token::unverified_issuer;
pub use self::{
    algorithm::Algorithm,
    audience::Audience,
    issuers::{IssuerTemplate, Issuers},
    key::Key,
    key_rejected::KeyRejected,
    key_set::KeySet,
    key_source::KeySource,
    keycloak::{KeycloakCaller, KeycloakRoles, KeycloakVerifier},
    verifier::{JwtVerifier, JwtVerifierBuilder},
};
pub use crate::verifiers::shared::claims::Claims;
