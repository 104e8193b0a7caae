//! Which names tokens mean, what belongs together, and where they point.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Expr;

/// Writes the groups that a `macro_rules!` makes of its arguments with parentheses.
///
/// They have none, and the compiler forgets them in what a macro like ours gives back: of `9 - $less`
/// with `5 - 2` it would make `9 - 5 - 2`. Types, paths and whatever holds together by itself stay as
/// they are.
pub(crate) fn parenthesised(tokens: TokenStream) -> TokenStream {
    // Nearly always. A group that is made anew forgets where it begins and ends.
    if !has_groups_of_a_macro(tokens.clone()) {
        return tokens;
    }
    let mut behind_mark = false;
    tokens
        .into_iter()
        .map(|token| {
            let of_a_macro = std::mem::replace(&mut behind_mark, is_mark(&token));
            match token {
                // What another macro is called with is that macro's: it may read the very tokens.
                TokenTree::Group(group) if of_a_macro => group.into(),
                TokenTree::Group(group) => {
                    let loose = group.delimiter() == Delimiter::None && is_loose(group.stream());
                    let (delimiter, span) = match loose {
                        // As what a macro wrote: these are no parentheses that its user could spare.
                        true => {
                            (Delimiter::Parenthesis, group.span().resolved_at(Span::mixed_site()))
                        }
                        false => (group.delimiter(), group.span()),
                    };
                    let mut written = Group::new(delimiter, parenthesised(group.stream()));
                    written.set_span(span);
                    written.into()
                }
                other => other,
            }
        })
        .collect()
}

fn is_mark(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == '!')
}

fn has_groups_of_a_macro(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => {
            group.delimiter() == Delimiter::None || has_groups_of_a_macro(group.stream())
        }
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// Whether an operator beside these tokens could take some of them away. A literal with its sign stands in
/// patterns and types, too, where parentheses don't.
fn is_loose(tokens: TokenStream) -> bool {
    match syn::parse2::<Expr>(tokens) {
        Ok(Expr::Unary(unary)) => !matches!(*unary.expr, Expr::Lit(_)),
        Ok(
            Expr::Binary(_)
            | Expr::Cast(_)
            | Expr::Closure(_)
            | Expr::Range(_)
            | Expr::Reference(_),
        ) => true,
        Ok(_) | Err(_) => false,
    }
}

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

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn group(tokens: TokenStream) -> Group {
        Group::new(Delimiter::None, tokens)
    }

    #[test]
    fn what_an_operator_could_take_away_is_written_with_parentheses() {
        let inner = group(quote!(5 - 2));
        let outer = group(quote!(9 - #inner));
        let written = parenthesised(quote!(roles(Level(#outer))));
        assert_eq!(crate::text::of(&written), "roles(Level((9-(5-2))))");
        for tight in
            [quote!(self), quote!(Role::Admin), quote!(Vec<u8>), quote!("x"), quote!(f(1 - 2))]
        {
            let kept = group(tight.clone());
            let written = parenthesised(quote!(#kept.x));
            assert_eq!(crate::text::of(&written), crate::text::of(&quote!(#tight.x)));
        }
        // Arguments as a whole, and what another macro reads.
        let inner = group(quote!(5 - 2));
        let named = group(quote!(scheme = "bearer"));
        for kept in [quote!(#named), quote!(stringify!(#inner))] {
            assert_eq!(crate::text::of(&parenthesised(kept.clone())), crate::text::of(&kept));
        }
    }
}
