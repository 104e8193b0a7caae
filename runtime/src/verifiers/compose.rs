//! Verifiers made of verifiers.
//!
//! - [`try_map`] and [`and_then`] turn a verifier's identity into one of yours, or refuse.
//! - [`ByTokenFormat`] takes several kinds of token in one header, such as JWTs and session tokens.
//! - `ByIssuer`, with the feature `jwt`, takes the tokens of several identity providers.
//! - [`BoxAuthenticator`](crate::BoxAuthenticator) forgets which verifier it is, for one that configuration
//!   chooses.
//!
//! Each is an [`Authenticate`](trait@crate::Authenticate) itself, and a service holds it in a field like any other. Credentials
//! under several headers are another matter: the attribute's `one_of(..)` and `all_of(..)` say what holds for them.
//!
//! # Which verifier is asked
//!
//! One. [`ByTokenFormat`] and `ByIssuer` choose it by how the token looks, before anyone has checked it, and what
//! it says holds: a token that it refuses isn't shown to the next.
//!
//! # Authentication that is off
//!
//! [`bypass`](crate::Authenticate::bypass) says that callers need no credentials. Of a verifier in [`ByTokenFormat`] or
//! `ByIssuer` it isn't asked: without credentials nothing tells which verifier a call is for, and one that is off
//! must not open the others. [`try_map`] hands the bypass on, if its function takes the identity.

mod branches;
#[cfg(feature = "jwt")]
mod by_issuer;
mod by_token_format;
mod map;

#[cfg(feature = "jwt")]
#[cfg_attr(docsrs, doc(cfg(feature = "jwt")))]
pub use by_issuer::ByIssuer;
pub use by_token_format::ByTokenFormat;
pub use map::{AndThen, TryMap, and_then, try_map};
