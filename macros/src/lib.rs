#![forbid(unsafe_code)]

//! The attributes of [`tonic-guard`](https://docs.rs/tonic-guard). Use them through that crate: what
//! they generate calls it, and the two are released together.
//!
//! # The steps
//!
//! Arguments are read ([`args`], [`scheme`]), the item is recognised ([`method`]), both become a
//! validated model ([`policy`], [`service`]), and the model becomes tokens ([`method_door`],
//! [`front_door`]). Every mistake on the way is collected and told at once ([`errors`]); then the
//! item is left behind as one that type-checks and reaches none of the user's code ([`fallback`]).

mod args;
mod derive;
mod errors;
mod fallback;
mod front_door;
mod hygiene;
mod method;
mod method_door;
mod plan;
mod policy;
mod scheme;
mod service;
mod text;

use proc_macro::TokenStream;

/// Says who may call a method, or the methods of a service.
///
/// See the documentation of `tonic-guard` for its language and meaning.
#[proc_macro_attribute]
pub fn authenticated(args: TokenStream, item: TokenStream) -> TokenStream {
    service::authenticated(args.into(), item.into()).into()
}

/// Says that everyone may call a method, and why: `#[anonymous(reason = "..")]`.
///
/// See the documentation of `tonic-guard`.
#[proc_macro_attribute]
pub fn anonymous(args: TokenStream, item: TokenStream) -> TokenStream {
    service::anonymous(args.into(), item.into()).into()
}

/// Makes a service the authenticator of the schemes that its fields verify.
///
/// Each field that verifies says for which scheme: `#[verifies("bearer")]`, with a scheme's word or
/// its type. See the documentation of `tonic-guard`.
#[proc_macro_derive(Authenticate, attributes(verifies))]
pub fn derive_authenticate(item: TokenStream) -> TokenStream {
    derive::expand(item.into()).into()
}
