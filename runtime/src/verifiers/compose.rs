//! Verifiers that are composed of other verifiers.
//!
//! - [`try_map`] and [`and_then`] convert a verifier's identity to your own type, or reject the call.
//! - [`ByTokenFormat`] accepts several kinds of bearer token, such as JWTs and session tokens.
//! - `ByIssuer` (feature `jwt`) accepts the tokens of several identity providers.
//! - [`BoxAuthenticator`](crate::BoxAuthenticator) erases the verifier's type, for a verifier that the
//!   configuration selects.
//!
//! Each implements [`Authenticate`](trait@crate::Authenticate), and a service has it in a field like any other
//! verifier. For credentials of several schemes, use `one_of(..)` and `all_of(..)` of the attribute.
//!
//! # Selection of the verifier
//!
//! [`ByTokenFormat`] and `ByIssuer` select exactly one verifier for a token, by its unverified form or issuer.
//! A token that this verifier rejects isn't passed to another one.
//!
//! # Bypass
//!
//! [`ByTokenFormat`] and `ByIssuer` ignore the [`bypass`](crate::Authenticate::bypass) of their verifiers. A
//! call without credentials can't be attributed to one of them, and a bypass of one must not apply to the
//! others. [`try_map`] applies its function to the bypass identity, and has no bypass if the function rejects
//! it.

#[cfg(feature = "jwt")]
mod by_issuer;
mod by_token_format;
mod delegate;
mod map;

#[cfg(feature = "jwt")]
#[cfg_attr(docsrs, doc(cfg(feature = "jwt")))]
pub use self::by_issuer::ByIssuer;
pub use self::{
    by_token_format::ByTokenFormat,
    map::{AndThen, TryMap, and_then, try_map},
};
