//! Validating a literal header name while the code compiles, and not at its first use.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Expr, Path};

use crate::{model::policy::Policy, parse::schemes::SchemeValue};

/// A constant for each `ApiKey::header("..")` with a literal, whose evaluation validates the name.
pub(super) fn expand(policy: &Policy, krate: &Path) -> impl Iterator<Item = TokenStream> {
    let literals = policy.schemes.list.iter().filter_map(|scheme| match &scheme.value {
        SchemeValue::Custom(expr) if is_literal_header(expr) => Some((scheme.span(), expr)),
        SchemeValue::Custom(_) | SchemeValue::BuiltIn(..) => None,
    });
    literals.map(move |(span, expr)| {
        let span = span.resolved_at(Span::mixed_site());
        let api_key = quote_spanned!(span=> #krate::__private::ApiKey);
        quote!(const _: #api_key = #expr;)
    })
}

/// Returns whether `expr` is `ApiKey::header("..")`, under any path.
fn is_literal_header(expr: &Expr) -> bool {
    let Expr::Call(call) = expr else { return false };
    let Expr::Path(function) = &*call.func else { return false };
    let names: Vec<_> =
        function.path.segments.iter().rev().take(2).map(|s| s.ident.to_string()).collect();
    let has_literal = matches!(call.args.first(), Some(Expr::Lit(_))) && call.args.len() == 1;
    names == ["header", "ApiKey"] && has_literal
}
