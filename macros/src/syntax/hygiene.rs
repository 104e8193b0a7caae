//! Which names tokens mean, and where they point.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;

/// Lets each `self` in `tokens` mean the receiver at `receiver`, and still point at its own place.
///
/// Inside a `macro_rules!` the attribute's `self` and the method's come from different places, and
/// the compiler takes them for two names.
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

/// The receiver at `receiver`, pointing at `place`.
pub(crate) fn self_at(place: Span, receiver: Span) -> Ident {
    Ident::new("self", place.resolved_at(receiver))
}

/// `tokens` pointing at `place`, each with its own hygiene: what the compiler says of them is said of
/// that place.
pub(crate) fn at(place: Span, tokens: impl ToTokens) -> TokenStream {
    let moved = |token: TokenTree| match token {
        TokenTree::Group(group) => {
            let mut moved = Group::new(group.delimiter(), at(place, group.stream()));
            moved.set_span(place.resolved_at(group.span()));
            moved.into()
        }
        mut other => {
            other.set_span(place.resolved_at(other.span()));
            other
        }
    };
    tokens.to_token_stream().into_iter().map(moved).collect()
}
