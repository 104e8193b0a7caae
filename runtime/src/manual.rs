//! The manual: a page for each thing that a service sets up.
//!
//! Pages hold no items. Their programs are compiled with the documentation.

#[cfg(feature = "jwt")]
#[cfg_attr(docsrs, doc(cfg(feature = "jwt")))]
#[doc = include_str!("manual/identity_providers.md")]
pub mod identity_providers {}

#[doc = include_str!("manual/api_keys.md")]
#[cfg(feature = "api-keys")]
#[cfg_attr(docsrs, doc(cfg(feature = "api-keys")))]
pub mod api_keys {}

#[cfg(feature = "client-certificate")]
#[cfg_attr(docsrs, doc(cfg(feature = "client-certificate")))]
#[doc = include_str!("manual/mtls.md")]
pub mod mtls {}

#[doc = include_str!("manual/clients.md")]
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub mod clients {}

#[doc = include_str!("manual/passwords.md")]
#[cfg(feature = "passwords")]
#[cfg_attr(docsrs, doc(cfg(feature = "passwords")))]
pub mod passwords {}

#[doc = include_str!("manual/remote_keys.md")]
#[cfg(feature = "jwks")]
#[cfg_attr(docsrs, doc(cfg(feature = "jwks")))]
pub mod remote_keys {}

#[doc = include_str!("manual/introspection.md")]
#[cfg(feature = "introspection")]
#[cfg_attr(docsrs, doc(cfg(feature = "introspection")))]
pub mod introspection {}

#[cfg(all(
    feature = "api-keys",
    feature = "client-certificate",
    feature = "introspection",
    feature = "jwt",
    feature = "passwords"
))]
#[cfg_attr(
    docsrs,
    doc(cfg(all(
        feature = "api-keys",
        feature = "client-certificate",
        feature = "introspection",
        feature = "jwt",
        feature = "passwords"
    )))
)]
#[doc = include_str!("manual/verifiers.md")]
pub mod verifiers {}

#[doc = include_str!("manual/costs.md")]
pub mod costs {}
