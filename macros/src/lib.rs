#![forbid(unsafe_code)]

//! The attributes of [`tonic-guard`](https://docs.rs/tonic-guard). Use them through that crate: the
//! generated code calls it, and both crates are released together.
//!
#![doc = include_str!("docs/example.md")]
//!
//! # The pipeline
//!
//! 1. `parse` reads the arguments of an attribute and recognises the item that the attribute is on.
//! 2. `model` turns both into policies, and checks the rules across arguments and across methods.
//! 3. `expand` generates the handler checks and the impl of `Guarded`. Start reading at
//!    `expand/attributes.rs`.
//!
//! `recover` collects the errors of all steps. After an error it emits the item with empty bodies, so
//! that the compiler reports no further errors about it. `syntax` holds helpers for tokens.

mod expand;
mod model;
mod parse;
mod recover;
mod syntax;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

#[doc = include_str!("docs/authenticated.md")]
#[proc_macro_attribute]
pub fn authenticated(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::attributes::authenticated(arguments.into(), item.into()).into()
}

#[doc = include_str!("docs/anonymous.md")]
#[proc_macro_attribute]
pub fn anonymous(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::attributes::anonymous(arguments.into(), item.into()).into()
}

#[doc = include_str!("docs/denied.md")]
#[proc_macro_attribute]
pub fn denied(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::attributes::denied(arguments.into(), item.into()).into()
}

#[doc = include_str!("docs/synchronous.md")]
#[proc_macro_attribute]
pub fn synchronous(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::synchronous::expand(arguments.into(), item.into()).into()
}

#[doc = include_str!("docs/derive_authenticate.md")]
#[proc_macro_derive(Authenticate, attributes(verifies))]
pub fn derive_authenticate(item: TokenStream) -> TokenStream {
    expand::derive::expand(item.into()).into()
}
