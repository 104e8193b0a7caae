//! The rules across an attribute and its method, and across the methods of an impl.

use std::collections::HashMap;

use proc_macro2::Span;
use syn::{Attribute, Ident, ImplItemFn, LitStr, spanned::Spanned};

use crate::{
    model::{method_policy::MethodPolicy, policy::Policy},
    parse::{authorized, identity, method::Method, reason::ReasonAttribute},
    recover::errors::Errors,
    syntax::names::{hides_policy_attribute, policy_attribute},
};

/// An anonymous or denied method doesn't authenticate its callers.
pub(crate) fn no_identity(function: &ImplItemFn, attribute: ReasonAttribute, errors: &mut Errors) {
    let message = match attribute {
        ReasonAttribute::Anonymous => {
            "`#[identity]` is not allowed on an anonymous method\nhelp: write `#[authenticated(scheme = optional(..))]` \
             to get the identity of callers that present credentials"
        }
        ReasonAttribute::Denied => {
            "`#[identity]` is not allowed on a denied method\nnote: every call is rejected before its credentials are \
             read\nhelp: remove the parameter"
        }
    };
    for marker in identity::markers(function) {
        errors.push(syn::Error::new(marker.span(), message));
    }
    for marker in authorized::markers(function) {
        errors.push(syn::Error::new(
            marker.span(),
            "`#[authorized(..)]` is not allowed on a method that authenticates nobody\nhelp: write \
             `#[authenticated(..)]` on the method",
        ));
    }
}

/// A method or an impl has one attribute that declares a policy. `expanded` is the name of the one that
/// is expanded now, which isn't in `attributes`.
pub(crate) fn one_policy_attribute(
    attributes: &[Attribute],
    expanded: Option<&'static str>,
    errors: &mut Errors,
) {
    let mut first = expanded;
    for attribute in attributes {
        let Some(name) = policy_attribute(attribute) else { continue };
        let Some(first) = first.replace(name) else { continue };
        errors.push(syn::Error::new(attribute.span(), second_attribute(first, name)));
        return;
    }
}

/// The impl under `#[authenticated]` has no second attribute that declares a policy, nor one in a `cfg_attr`.
pub(crate) fn one_impl_attribute(attributes: &[Attribute], errors: &mut Errors) {
    const FIRST: &str = "authenticated";

    let second = attributes.iter().find_map(|attribute| {
        let hidden = hides_policy_attribute(attribute).then_some(FIRST);
        Some((attribute, policy_attribute(attribute).or(hidden)?))
    });
    if let Some((attribute, name)) = second {
        errors.push(syn::Error::new(attribute.span(), second_attribute(FIRST, name)));
    }
}

fn second_attribute(first: &str, second: &str) -> String {
    match first == second {
        true => format!("duplicate `#[{second}]`"),
        false => format!("`#[{second}]` conflicts with `#[{first}]`\nhelp: remove one of them"),
    }
}

/// The checks of `#[authorized(..)]` parameters receive the identity.
pub(crate) fn authorized_with_identity(method: &Method, errors: &mut Errors) {
    if let Some(parameter) = method.authorized.first()
        && method.identity.is_none()
    {
        errors.push(syn::Error::new(
            parameter.check.span(),
            format!(
                "expected a parameter `#[identity]`, which this check receives\nhelp: add a parameter \
                 `#[identity] caller: T` to `{}`",
                method.item.sig.ident,
            ),
        ));
    }
}

/// A custom check takes an identity of one type: with alternatives, the `#[identity]` parameter determines it.
pub(crate) fn one_identity_type(policy: &Policy, method: &Method, errors: &mut Errors) {
    if let Some(path) = policy.custom_check()
        && policy.has_alternatives()
        && method.identity.is_none()
    {
        errors.push(syn::Error::new(
            path.span(),
            format!(
                "expected a parameter `#[identity]`, which gives this check one type of identity\nnote: each scheme of `one_of` has its own identity\n\
                 help: add a parameter `#[identity] caller: T` to `{}`, where `T` implements `From` for the identity of each scheme",
                method.item.sig.ident,
            ),
        ));
    }
}

/// Two functions can't implement one RPC: only one of them would be called.
pub(crate) fn one_function_per_rpc(methods: &[MethodPolicy], errors: &mut Errors) {
    let mut by_name: HashMap<&str, Vec<&MethodPolicy>> = HashMap::new();
    for method in methods {
        let same_name = by_name.entry(&method.rpc_name).or_default();
        let always_conflicts =
            |other: &&&MethodPolicy| other.cfgs.is_empty() || method.cfgs.is_empty();
        let first = same_name.iter().find(always_conflicts).copied();
        same_name.push(method);
        let Some(first) = first else { continue };
        let span = [&method.rpc, &first.rpc]
            .into_iter()
            .flatten()
            .next()
            .map_or_else(Span::call_site, LitStr::span);
        errors.push(syn::Error::new(
            span,
            format!(
                "duplicate RPC `{}`: both `{}` and `{}` implement it",
                method.rpc_name, first.function, method.function
            ),
        ));
    }
}

/// Reports the methods without a policy, on an impl without a default.
pub(crate) fn every_method_has_policy(without_policy: &[Ident], errors: &mut Errors) {
    for method in without_policy {
        errors.push(syn::Error::new(
            method.span(),
            format!(
                "the method `{method}` has no policy\nhelp: write `#[authenticated(scheme = ..)]`, \
                 `#[anonymous(reason = \"..\")]` or `#[denied(reason = \"..\")]` on it, or a default on the impl"
            ),
        ));
    }
}
