//! The rules across the arguments of one attribute.

use syn::spanned::Spanned;

use crate::{
    parse::{arguments::Arguments, schemes::Combinator},
    recover::errors::Errors,
};

/// A caller without credentials has no identity, so nothing can be required of it.
pub(super) fn no_requirements_under_optional(arguments: &Arguments, errors: &mut Errors) {
    let schemes = arguments.scheme.as_ref();
    if schemes.is_none_or(|schemes| schemes.combinator != Combinator::Optional) {
        return;
    }
    for (span, name) in [(arguments.scopes.span(), "scopes"), (arguments.roles.span(), "roles")] {
        let Some(span) = span else { continue };
        errors.push(syn::Error::new(
            span,
            format!(
                "`{name}(..)` is not allowed with `optional(..)`\nnote: a caller without credentials is admitted, and has \
                 no {name}\nhelp: remove `optional`, or check the identity in `authorize = ..`"
            ),
        ));
    }
}

/// A scope must be valid in a challenge (RFC 6749, section 3.3): printable ASCII without space, quote and
/// backslash.
pub(super) fn scopes_are_valid(arguments: &Arguments, errors: &mut Errors) {
    for scope in arguments.scopes.value().into_iter().flatten() {
        let value = scope.value();
        let is_valid = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\';
        if value.is_empty() || !value.chars().all(is_valid) {
            errors.push(syn::Error::new(
                scope.span(),
                "expected a scope of printable ASCII without spaces, quotes and backslashes\nhelp: write each scope as \
                 a separate string: `scopes(\"orders:read\", \"orders:write\")`",
            ));
        }
    }
}

/// Reports arguments that are not allowed in the attribute of an impl.
pub(crate) fn check_on_impl(arguments: &Arguments, errors: &mut Errors) {
    if let Some(schemes) = &arguments.scheme
        && schemes.combinator == Combinator::Optional
    {
        errors.push(syn::Error::new(
            schemes.span,
            "`optional(..)` is not allowed on an impl\nnote: it would admit callers without credentials to every method \
             without an attribute\nhelp: write it on each method that is open to such callers",
        ));
    }
    if let Some(rpc) = &arguments.rpc {
        errors.push(syn::Error::new(
            rpc.span(),
            "`rpc` is not allowed on an impl\nhelp: write it on the method that implements this RPC",
        ));
    }
}

/// Reports arguments that are not allowed in the attribute of a method.
pub(crate) fn check_on_method(arguments: &Arguments, errors: &mut Errors) {
    let service = arguments.service.as_ref().map(|service| (service.span(), "service"));
    let server = arguments.server.as_ref().map(|server| (server.span(), "server"));
    for (span, name) in [service, server].into_iter().flatten() {
        errors.push(syn::Error::new(
            span,
            format!("`{name}` is not allowed on a method\nhelp: write it in the `#[authenticated(..)]` on the impl"),
        ));
    }
}
