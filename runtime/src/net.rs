//! What reaches out over the network: to an identity provider, for keys, introspection and tokens.

#[cfg(feature = "_http")]
#[cfg_attr(
    not(all(feature = "client-oauth", feature = "introspection", feature = "jwks")),
    allow(dead_code, reason = "each feature that sends requests uses a part of it")
)]
pub mod http_client;
