//! Signed tokens (JWT, RFC 7519) as bearer tokens.

mod algorithm;
mod base64url;
mod jwk;
mod key;
mod key_error;
mod key_set;
mod key_source;
mod pem;

pub use self::{
    algorithm::Algorithm, key::Key, key_error::KeyError, key_set::KeySet, key_source::KeySource,
};
