//! The authenticators that ship with the crate.

#[cfg(feature = "api-keys")]
pub mod api_keys;
#[cfg(feature = "client-certificate")]
pub mod certificates;
pub mod compose;
#[cfg(feature = "introspection")]
pub mod introspection;
#[cfg(feature = "jwt")]
pub mod jwt;
#[cfg(feature = "passwords")]
pub mod passwords;
mod shared;
