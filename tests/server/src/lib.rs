//! The examples of the README and of the macros' documentation, compiled and run.

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../../../macros/src/docs/example.md")]
pub struct Macros;

#[cfg(doctest)]
#[doc = include_str!("../../../macros/src/docs/authenticated.md")]
pub struct Authenticated;

#[cfg(doctest)]
#[doc = include_str!("../../../macros/src/docs/anonymous.md")]
pub struct Anonymous;

#[cfg(doctest)]
#[doc = include_str!("../../../macros/src/docs/denied.md")]
pub struct Denied;

#[cfg(doctest)]
#[doc = include_str!("../../../macros/src/docs/derive_authenticate.md")]
pub struct DeriveAuthenticate;
