//! The `#[authorized(..)]` parameters: the values that a check has found.

use syn::{
    Attribute, FnArg, ImplItemFn, Meta, Pat, Type, parse::ParseStream, punctuated::Punctuated,
    spanned::Spanned,
};

use crate::{
    parse::custom_check::{self, CustomCheck},
    recover::errors::Errors,
    syntax::{names::is_attribute, text},
};

const NAME: &str = "authorized";

/// A parameter whose value a check returns.
#[derive(Clone)]
pub(crate) struct AuthorizedParameter {
    pub(crate) pat: Pat,
    pub(crate) ty: Type,
    pub(crate) check: CustomCheck,
}

impl AuthorizedParameter {
    /// The text in the policy table.
    pub(crate) fn text(&self) -> String {
        format!("{} = {}", text::of(&self.pat), self.check.text())
    }
}

/// Returns whether the parameter has the attribute.
pub(crate) fn is_authorized(input: &FnArg) -> bool {
    marker(input).is_some()
}

/// The `#[authorized(..)]` attributes on the parameters of `method`.
pub(crate) fn markers(method: &ImplItemFn) -> impl Iterator<Item = &Attribute> {
    method.sig.inputs.iter().filter_map(marker)
}

fn marker(input: &FnArg) -> Option<&Attribute> {
    let attributes = match input {
        FnArg::Typed(typed) => &typed.attrs,
        FnArg::Receiver(receiver) => &receiver.attrs,
    };
    attributes.iter().find(|attribute| is_attribute(attribute, NAME))
}

/// Removes the parameters from the signature, because the trait's method doesn't have them.
pub(crate) fn take(method: &mut ImplItemFn, errors: &mut Errors) -> Vec<AuthorizedParameter> {
    if markers(method).next().is_none() {
        return Vec::new();
    }
    let mut parameters = Vec::new();
    let mut remaining = Punctuated::new();
    for input in std::mem::take(&mut method.sig.inputs) {
        let Some(marker) = marker(&input) else {
            remaining.push(input);
            continue;
        };
        let check = errors.ok(check(marker));
        match input {
            FnArg::Receiver(receiver) => {
                errors.push(syn::Error::new(
                    receiver.span(),
                    "expected a parameter for the value of the check, found `self`",
                ));
                remaining.push(FnArg::Receiver(receiver));
            }
            FnArg::Typed(typed) => parameters.extend(check.map(|check| AuthorizedParameter {
                pat: *typed.pat,
                ty: *typed.ty,
                check,
            })),
        }
    }
    method.sig.inputs = remaining;
    parameters
}

fn check(marker: &Attribute) -> syn::Result<CustomCheck> {
    const EXPECTED: &str = "expected a check\nhelp: write `#[authorized(Self::find_order)]`, with an async function that \
         takes the service, the identity and the request, and returns a `Result` of the parameter's value";

    let Meta::List(_) = &marker.meta else {
        return Err(syn::Error::new(marker.span(), EXPECTED));
    };
    let parsed = marker.parse_args_with(|input: ParseStream<'_>| {
        if input.is_empty() {
            return Err(syn::Error::new(marker.span(), EXPECTED));
        }
        custom_check::parse_value(input)
    });
    parsed?.ok_or_else(|| syn::Error::new(marker.span(), EXPECTED))
}
