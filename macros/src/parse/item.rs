//! The item that an attribute is on.

use proc_macro2::{Span, TokenStream};
use syn::{ImplItemFn, Item, TraitItemFn, spanned::Spanned};

/// # Errors
///
/// When `item` isn't a method with a body. The message is `expected`, the kind of item that was found, and `help`.
pub(crate) fn method(item: TokenStream, expected: &str, help: &str) -> syn::Result<ImplItemFn> {
    if let Ok(method) = syn::parse2::<ImplItemFn>(item.clone()) {
        return Ok(method);
    }
    if let Ok(declaration) = syn::parse2::<TraitItemFn>(item.clone()) {
        return Err(syn::Error::new(
            declaration.sig.ident.span(),
            "expected a method with a body\nhelp: write the attribute where the trait is implemented",
        ));
    }
    let (span, found) = kind(&syn::parse2(item)?);
    Err(syn::Error::new(span, format!("{expected}, found {found}{help}")))
}

fn kind(item: &Item) -> (Span, &'static str) {
    match item {
        Item::Trait(item) => (item.ident.span(), "a trait"),
        Item::Struct(item) => (item.ident.span(), "a struct"),
        Item::Enum(item) => (item.span(), "an enum"),
        Item::Mod(item) => (item.ident.span(), "a module"),
        Item::Impl(item) => (item.impl_token.span, "an impl"),
        other => (other.span(), "another item"),
    }
}
