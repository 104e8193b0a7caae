//! Network access that verifiers and token sources share.
//!
//! Nothing here depends on `verifiers` or `client`.

#[cfg(any(feature = "client", feature = "jwks"))]
pub(crate) mod backoff;
#[cfg(feature = "_http")]
pub mod http_client;
#[cfg(any(feature = "client", feature = "jwks"))]
pub(crate) mod jitter;
#[cfg(any(feature = "_http", feature = "client"))]
pub(crate) mod loopback;
#[cfg(any(feature = "client", feature = "introspection", feature = "jwks"))]
pub(crate) mod single_flight;
