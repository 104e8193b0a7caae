//! `self` in what the user wrote in an attribute.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};

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
