//! The manual: a page for each thing that a service sets up.
//!
//! Pages hold no items. Each has programs that are compiled with the documentation.

#[cfg(feature = "jwt")]
#[cfg_attr(docsrs, doc(cfg(feature = "jwt")))]
#[doc = include_str!("manual/identity_providers.md")]
pub mod identity_providers {}
