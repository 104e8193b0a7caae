//! Validating a literal header name while the code compiles, and not at its first use.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Expr, Path};

use crate::{
    model::policy::Policy,
    parse::{built_in_scheme::BuiltInScheme, schemes::SchemeValue},
};

/// A constant for each `ApiKey::header("..")` and `Bearer::in_header("..")` with a literal, whose evaluation
/// validates the name.
pub(super) fn expand(policy: &Policy, krate: &Path) -> impl Iterator<Item = TokenStream> {
    let literals = policy.schemes.list.iter().filter_map(|scheme| match &scheme.value {
        SchemeValue::Custom(expr) => Some((scheme.span(), expr, literal_header(expr)?)),
        SchemeValue::BuiltIn(..) => None,
    });
    literals.map(move |(span, expr, scheme)| {
        let span = span.resolved_at(Span::mixed_site());
        let scheme = scheme.type_name(span);
        let scheme = quote_spanned!(span=> #krate::__private::#scheme);
        quote!(const _: #scheme = #expr;)
    })
}

/// The scheme of `expr` if it is `ApiKey::header("..")` or `Bearer::in_header("..")`, under any path.
fn literal_header(expr: &Expr) -> Option<BuiltInScheme> {
    let Expr::Call(call) = expr else { return None };
    let Expr::Path(function) = &*call.func else { return None };
    let has_literal = matches!(call.args.first(), Some(Expr::Lit(_))) && call.args.len() == 1;
    let names: Vec<_> =
        function.path.segments.iter().rev().take(2).map(|s| s.ident.to_string()).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    match *names {
        ["header", "ApiKey"] if has_literal => Some(BuiltInScheme::ApiKey),
        ["in_header", "Bearer"] if has_literal => Some(BuiltInScheme::Bearer),
        _ => None,
    }
}
