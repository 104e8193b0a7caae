//! The `#[identity]` parameter.

use syn::{
    Attribute, FnArg, ImplItemFn, Meta, Pat, Type, punctuated::Punctuated, spanned::Spanned,
};

use crate::{
    recover::errors::Errors,
    syntax::{names::is_attribute, text},
};

/// The pattern and type of the parameter.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) pat: Pat,
    pub(crate) ty: Type,
}

/// The `#[identity]` attributes on the parameters of `method`.
pub(crate) fn markers(method: &ImplItemFn) -> impl Iterator<Item = &Attribute> {
    let attributes = method.sig.inputs.iter().flat_map(attributes);
    attributes.filter(|attribute| is_attribute(attribute, "identity"))
}

fn attributes(input: &FnArg) -> &[Attribute] {
    match input {
        FnArg::Typed(typed) => &typed.attrs,
        FnArg::Receiver(receiver) => &receiver.attrs,
    }
}

/// Removes the `#[identity]` parameter from the signature, because the trait's method doesn't have it.
pub(crate) fn take(method: &mut ImplItemFn, errors: &mut Errors) -> Option<Identity> {
    let mut identity = None;
    let mut remaining = Punctuated::new();
    for input in std::mem::take(&mut method.sig.inputs) {
        let marker = attributes(&input).iter().find(|found| is_attribute(found, "identity"));
        let Some(marker) = marker else {
            remaining.push(input);
            continue;
        };
        if !matches!(marker.meta, Meta::Path(_)) {
            errors.push(syn::Error::new(marker.span(), "`#[identity]` takes no arguments"));
        }
        match input {
            FnArg::Receiver(receiver) => {
                errors.push(syn::Error::new(
                    receiver.span(),
                    "expected a parameter for the identity, found `self`\nhelp: add `#[identity] caller: T`",
                ));
                remaining.push(FnArg::Receiver(receiver));
            }
            FnArg::Typed(typed) if identity.is_some() => {
                errors.push(syn::Error::new(
                    typed.span(),
                    "duplicate `#[identity]`\nhelp: the identity of `all_of` is a tuple: write \
                     `#[identity] (a, b): (A, B)`",
                ));
            }
            FnArg::Typed(typed) => {
                if let Type::Reference(reference) = &*typed.ty {
                    errors.push(syn::Error::new(
                        reference.span(),
                        format!(
                            "expected an owned type, found a reference\nhelp: write `{}`",
                            text::of(&reference.elem)
                        ),
                    ));
                }
                identity = Some(Identity { pat: *typed.pat, ty: *typed.ty });
            }
        }
    }
    method.sig.inputs = remaining;
    identity
}
