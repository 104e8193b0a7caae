//! The HTTP client for identity providers: it fetches keys, introspection responses and tokens.
//!
//! Verifiers and token sources use the same client: https unless plain http is allowed by name, no
//! redirects, no proxy unless one is configured, a time limit and a size limit.

mod client;
mod error;
#[cfg(any(feature = "introspection", feature = "jwks"))]
mod json;
mod proxy;
mod redact;

#[cfg(any(feature = "introspection", feature = "jwks"))]
pub(crate) use self::json::is_json_object;
#[cfg(feature = "jwks")]
pub(crate) use self::redact::redact_text;
pub(crate) use self::redact::redact_url;
pub use self::{
    client::{HttpClient, HttpClientBuilder},
    error::HttpError,
};
