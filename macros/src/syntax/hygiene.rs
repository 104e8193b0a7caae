//! Spans of generated tokens: how a name resolves, and where a compiler error points.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;

/// Resolves each `self` in `tokens` to the receiver at `receiver`, and keeps its location.
///
/// Inside a `macro_rules!` the `self` of the attribute and the `self` of the method have different
/// hygiene, so the compiler treats them as two names.
pub(crate) fn resolve_self(tokens: TokenStream, receiver: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Ident(ident) if ident == "self" => self_at(ident.span(), receiver).into(),
            TokenTree::Group(group) => {
                let inner = resolve_self(group.stream(), receiver);
                let mut resolved = Group::new(group.delimiter(), inner);
                resolved.set_span(group.span());
                resolved.into()
            }
            other => other,
        })
        .collect()
}

/// A `self` that resolves to the receiver at `receiver` and is located at `location`.
pub(crate) fn self_at(location: Span, receiver: Span) -> Ident {
    Ident::new("self", location.resolved_at(receiver))
}

/// Moves `tokens` to `location`, each with its own hygiene, so that compiler errors about them point there.
pub(crate) fn at(location: Span, tokens: impl ToTokens) -> TokenStream {
    let moved = |token: TokenTree| match token {
        TokenTree::Group(group) => {
            let mut moved = Group::new(group.delimiter(), at(location, group.stream()));
            moved.set_span(location.resolved_at(group.span()));
            moved.into()
        }
        mut other => {
            other.set_span(location.resolved_at(other.span()));
            other
        }
    };
    tokens.to_token_stream().into_iter().map(moved).collect()
}
