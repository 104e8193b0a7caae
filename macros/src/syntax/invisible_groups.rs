//! Invisible groups: the delimiters without text that a `macro_rules!` puts around its arguments.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use syn::{Expr, Ident};

/// Replaces the invisible groups in `tokens` by parentheses where precedence depends on them.
///
/// The compiler drops invisible groups from the output of a procedural macro: `9 - $less` with `5 - 2`
/// would become `9 - 5 - 2`. Types, paths and other expressions that no operator can split stay unchanged.
pub(crate) fn parenthesise(tokens: TokenStream) -> TokenStream {
    // The usual case. A rebuilt group loses the spans of its delimiters.
    if !has_invisible_group(tokens.clone()) {
        return tokens;
    }
    let mut previous = [None, None];
    tokens
        .into_iter()
        .map(|token| {
            let is_macro_input = is_macro_input(&previous, &token);
            previous = [previous[1].take(), Some(token.clone())];
            match token {
                // Another macro may match these exact tokens.
                TokenTree::Group(group) if is_macro_input => group.into(),
                TokenTree::Group(group) => {
                    let loose = group.delimiter() == Delimiter::None && is_loose(group.stream());
                    let (delimiter, span) = match loose {
                        // With the hygiene of a macro, as the lint `unused_parens` skips those.
                        true => {
                            (Delimiter::Parenthesis, group.span().resolved_at(Span::mixed_site()))
                        }
                        false => (group.delimiter(), group.span()),
                    };
                    let mut rebuilt = Group::new(delimiter, parenthesise(group.stream()));
                    rebuilt.set_span(span);
                    rebuilt.into()
                }
                other => other,
            }
        })
        .collect()
}

/// Returns whether `group` is the input of a macro call, `name!(..)`. A `!` for negation follows no name.
fn is_macro_input(previous: &[Option<TokenTree>; 2], group: &TokenTree) -> bool {
    let [Some(TokenTree::Ident(name)), Some(TokenTree::Punct(mark))] = previous else {
        return false;
    };
    let is_call = mark.as_char() == '!' && syn::parse_str::<Ident>(&name.to_string()).is_ok();
    is_call && matches!(group, TokenTree::Group(group) if group.delimiter() != Delimiter::None)
}

fn has_invisible_group(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => {
            group.delimiter() == Delimiter::None || has_invisible_group(group.stream())
        }
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// Returns whether an operator next to these tokens could split them. A literal with its sign can't be
/// parenthesised: it may be part of a pattern or a type.
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

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;
    use crate::syntax::text;

    fn group(tokens: TokenStream) -> Group {
        Group::new(Delimiter::None, tokens)
    }

    #[test]
    fn nested_groups_get_parentheses() {
        let inner = group(quote!(5 - 2));
        let outer = group(quote!(9 - #inner));
        let tokens = parenthesise(quote!(roles(Level(#outer))));
        assert_eq!(text::of(&tokens), "roles(Level((9-(5-2))))");
    }

    #[test]
    fn expressions_that_no_operator_splits_get_no_parentheses() {
        for tight in
            [quote!(self), quote!(Role::Admin), quote!(Vec<u8>), quote!("x"), quote!(f(1 - 2))]
        {
            let grouped = group(tight.clone());
            let tokens = parenthesise(quote!(#grouped.x));
            assert_eq!(text::of(&tokens), text::of(&quote!(#tight.x)));
        }
    }

    #[test]
    fn groups_under_a_negation_get_parentheses() {
        let inner = group(quote!(a + b));
        for (negated, expected) in [
            (quote!(!#inner), "!(a + b)"),
            (quote!(!(c && #inner)), "!(c&&(a + b))"),
            (quote!(if !(c && #inner) {}), "if!(c&&(a + b)) {  }"),
        ] {
            assert_eq!(text::of(&parenthesise(negated)), expected);
        }
    }

    #[test]
    fn argument_lists_and_the_input_of_macros_stay() {
        let inner = group(quote!(5 - 2));
        let arguments = group(quote!(scheme = "bearer"));
        for unchanged in [quote!(#arguments), quote!(stringify!(#inner))] {
            assert_eq!(text::of(&parenthesise(unchanged.clone())), text::of(&unchanged));
        }
    }
}
