//! Authenticators: credentials in, an identity or an error out.

mod authenticated;
mod authenticator;
mod boxed;
mod identity_id;
mod immediate;
mod trust_extension;

pub use self::{
    authenticated::{Authenticated, Lifetime},
    authenticator::{Authenticate, DEFAULT_DEADLINE},
    boxed::BoxAuthenticator,
    identity_id::{IdKind, IdentityId},
    immediate::{Immediate, decided},
};
