//! The manual: a page for each thing that a service sets up.
//!
//! Pages hold no items. Each has programs that are compiled with the documentation.

#[cfg(feature = "jwt")]
#[cfg_attr(docsrs, doc(cfg(feature = "jwt")))]
#[doc = include_str!("manual/identity_providers.md")]
pub mod identity_providers {}

#[doc = include_str!("manual/api_keys.md")]
#[cfg(feature = "api-keys")]
#[cfg_attr(docsrs, doc(cfg(feature = "api-keys")))]
pub mod api_keys {}

#[doc = include_str!("manual/passwords.md")]
#[cfg(feature = "passwords")]
#[cfg_attr(docsrs, doc(cfg(feature = "passwords")))]
pub mod passwords {}
