//! Authenticators: credentials in, an identity or an error out.

mod authenticator;
mod boxed;
mod trust_extension;

pub use self::{
    authenticator::{Authenticate, DEFAULT_DEADLINE},
    boxed::BoxAuthenticator,
};
