//! The rules across the parts of one method, and across the methods of one impl.

use std::collections::HashMap;

use proc_macro2::Span;
use syn::{Attribute, FnArg, Ident, ImplItemFn, LitStr, spanned::Spanned};

use crate::expand::guard::Entry;
use crate::model::policy::Policy;
use crate::parse::method::{Method, is_attribute};
use crate::recover::errors::Errors;

/// Nobody is known where everyone gets in.
pub(crate) fn no_identity(function: &ImplItemFn, errors: &mut Errors) {
    let attributes = function.sig.inputs.iter().flat_map(|input| match input {
        FnArg::Typed(typed) => typed.attrs.as_slice(),
        FnArg::Receiver(receiver) => receiver.attrs.as_slice(),
    });
    for marker in attributes.filter(|attribute| is_attribute(attribute, "identity")) {
        errors.push(syn::Error::new(
            marker.span(),
            "an anonymous method has no identity: write `#[authenticated(scheme = optional(..))]` to know \
             those who present credentials",
        ));
    }
}

/// At most one of our attributes holds for a method. `expanded` of them have been taken off already.
pub(crate) fn only_one_of_ours(attributes: &[Attribute], expanded: usize, errors: &mut Errors) {
    let ours = |attribute: &&Attribute| {
        is_attribute(attribute, "authenticated") || is_attribute(attribute, "anonymous")
    };
    if let Some(second) = attributes.iter().filter(ours).nth(1 - expanded.min(1)) {
        errors.push(syn::Error::new(
            second.span(),
            "a method has one of `#[authenticated(..)]` and `#[anonymous(..)]`, once",
        ));
    }
}

/// A check of the user's own takes one type; the parameter says which.
pub(crate) fn alternatives_meet(policy: &Policy, method: &Method, errors: &mut Errors) {
    if let Some(path) = policy.own_check()
        && policy.has_alternatives()
        && method.identity.is_none()
    {
        errors.push(syn::Error::new(
            path.span(),
            format!(
                "which type does this check get? The schemes of `one_of` have an identity each: add a parameter \
                 `#[identity] caller: T` to `{}`, into whose type they all convert",
                method.item.sig.ident,
            ),
        ));
    }
}

/// Two functions for one remote procedure: the one that isn't called has a policy that doesn't hold.
pub(crate) fn one_function_each(entries: &[Entry], errors: &mut Errors) {
    let mut by_name: HashMap<&str, Vec<&Entry>> = HashMap::new();
    for entry in entries {
        let before = by_name.entry(&entry.rpc_name).or_default();
        let same = |other: &&&Entry| other.cfgs.is_empty() || entry.cfgs.is_empty();
        let first = before.iter().find(same).copied();
        before.push(entry);
        let Some(first) = first else { continue };
        let span = [&entry.rpc, &first.rpc]
            .into_iter()
            .flatten()
            .next()
            .map_or_else(Span::call_site, LitStr::span);
        errors.push(syn::Error::new(
            span,
            format!(
                "`{}` and `{}` are both the RPC `{}`",
                first.function, entry.function, entry.rpc_name
            ),
        ));
    }
}

/// Tells all methods that say nothing, where the impl has no default.
pub(crate) fn name_the_silent(silent: &[Ident], errors: &mut Errors) {
    for method in silent {
        errors.push(syn::Error::new(
            method.span(),
            format!(
                "who may call `{method}`? Write `#[authenticated(scheme = ..)]` or \
                 `#[anonymous(reason = \"..\")]` on it, or a default on the impl"
            ),
        ));
    }
}
