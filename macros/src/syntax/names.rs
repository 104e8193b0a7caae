//! Recognising attributes, types and keywords by the names that are written.

use proc_macro2::{TokenStream, TokenTree};
use syn::{Attribute, Meta, Type};

/// Returns whether `attribute` is called `name`, under any path.
pub(crate) fn is_attribute(attribute: &Attribute, name: &str) -> bool {
    attribute.path().segments.last().is_some_and(|segment| segment.ident == name)
}

/// Returns whether `ty` is called `name`, under any path.
pub(crate) fn is_type(ty: &Type, name: &str) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == name),
        _ => false,
    }
}

/// The attributes that declare a policy.
const POLICY_ATTRIBUTES: [&str; 3] = ["authenticated", "anonymous", "denied"];

/// The name of `attribute` if it declares a policy: `authenticated`, `anonymous` or `denied`.
pub(crate) fn policy_attribute(attribute: &Attribute) -> Option<&'static str> {
    POLICY_ATTRIBUTES.into_iter().find(|name| is_attribute(attribute, name))
}

/// Returns whether `attribute` is a `cfg_attr` that may add an attribute that declares a policy.
pub(crate) fn hides_policy_attribute(attribute: &Attribute) -> bool {
    match &attribute.meta {
        Meta::List(list) if attribute.path().is_ident("cfg_attr") => {
            lists_policy_attribute(list.tokens.clone())
        }
        _ => false,
    }
}

/// Looks into the parentheses of a nested `cfg_attr`, but not into those of other attributes.
fn lists_policy_attribute(tokens: TokenStream) -> bool {
    let mut in_cfg_attr = false;
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => {
            in_cfg_attr = ident == "cfg_attr";
            POLICY_ATTRIBUTES.iter().any(|name| ident == name)
        }
        TokenTree::Group(group) => in_cfg_attr && lists_policy_attribute(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// The `#[cfg(..)]`s among `attributes`.
pub(crate) fn cfgs(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"))
}

/// Returns whether `keyword` occurs in `tokens`, at any depth.
pub(crate) fn contains_keyword(tokens: TokenStream, keyword: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == keyword,
        TokenTree::Group(group) => contains_keyword(group.stream(), keyword),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// The name of a function as text, without `r#`.
pub(crate) fn function_name(ident: &syn::Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map(str::to_owned).unwrap_or(name)
}
