//! Parameters that are meant as the identity but lack `#[identity]`.

use strsim::levenshtein;
use syn::{Attribute, FnArg, ImplItemFn, PatType, Token, punctuated::Punctuated, spanned::Spanned};

use crate::{
    recover::errors::Errors,
    syntax::{
        names::{is_attribute, is_type},
        text,
    },
};

/// Returns whether the parameter at `index` has a misspelt `#[identity]`, or follows the request without one.
pub(crate) fn is_forgotten_identity(inputs: &Punctuated<FnArg, Token![,]>, index: usize) -> bool {
    let Some(FnArg::Typed(typed)) = inputs.get(index) else { return false };
    if typed.attrs.iter().any(|attribute| is_attribute(attribute, "identity")) {
        return false;
    }
    if misspelt_attribute(typed).is_some() {
        return true;
    }
    let is_last = inputs.len() == index + 1;
    is_last && !is_request(&typed.ty) && inputs.iter().take(index).any(is_request_parameter)
}

fn is_request_parameter(input: &FnArg) -> bool {
    match input {
        FnArg::Typed(typed) => is_request(&typed.ty),
        FnArg::Receiver(_) => false,
    }
}

fn is_request(ty: &syn::Type) -> bool {
    is_type(ty, "Request")
}

fn misspelt_attribute(typed: &PatType) -> Option<&Attribute> {
    typed.attrs.iter().find(|attribute| {
        let name = attribute.path().get_ident().map(|name| name.to_string().to_lowercase());
        name.is_some_and(|name| name == "authenticated" || levenshtein(&name, "identity") <= 2)
    })
}

/// Reports each parameter that lacks its `#[identity]`.
pub(crate) fn reject_forgotten_identity(method: &ImplItemFn, errors: &mut Errors) {
    let inputs = &method.sig.inputs;
    for (index, input) in inputs.iter().enumerate() {
        let FnArg::Typed(typed) = input else { continue };
        if !is_forgotten_identity(inputs, index) {
            continue;
        }
        let (pat, ty) = (text::of(&typed.pat), text::of(&typed.ty));
        errors.push(match misspelt_attribute(typed) {
            Some(attribute) => syn::Error::new(
                attribute.path().span(),
                format!(
                    "expected `#[identity]`, found `#[{}]`\nhelp: write `#[identity] {pat}: {ty}`",
                    text::of(attribute.path()),
                ),
            ),
            None => syn::Error::new(
                typed.pat.span(),
                format!(
                    "unexpected parameter after the request\nhelp: if this is the identity, write \
                     `#[identity] {pat}: {ty}`"
                ),
            ),
        });
    }
}
