//! What belongs together in tokens that a `macro_rules!` hands on.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use syn::{Expr, Ident};

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
    let mut before = [None, None];
    tokens
        .into_iter()
        .map(|token| {
            let of_a_macro = is_call(&before, &token);
            before = [before[1].take(), Some(token.clone())];
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

/// Whether `group` is what a macro is called with, `name!(..)`. A `!` that denies has no name before it.
fn is_call(before: &[Option<TokenTree>; 2], group: &TokenTree) -> bool {
    let [Some(TokenTree::Ident(name)), Some(TokenTree::Punct(mark))] = before else { return false };
    let is_call = mark.as_char() == '!' && syn::parse_str::<Ident>(&name.to_string()).is_ok();
    is_call && matches!(group, TokenTree::Group(group) if group.delimiter() != Delimiter::None)
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
        assert_eq!(crate::syntax::text::of(&written), "roles(Level((9-(5-2))))");
        for tight in
            [quote!(self), quote!(Role::Admin), quote!(Vec<u8>), quote!("x"), quote!(f(1 - 2))]
        {
            let kept = group(tight.clone());
            let written = parenthesised(quote!(#kept.x));
            assert_eq!(
                crate::syntax::text::of(&written),
                crate::syntax::text::of(&quote!(#tight.x))
            );
        }
        // A `!` that denies calls no macro.
        let inner = group(quote!(a + b));
        for (denied, as_written) in [
            (quote!(!#inner), "!(a + b)"),
            (quote!(!(c && #inner)), "!(c&&(a + b))"),
            (quote!(if !(c && #inner) {}), "if!(c&&(a + b)) {  }"),
        ] {
            assert_eq!(crate::syntax::text::of(&parenthesised(denied)), as_written);
        }
        // Arguments as a whole, and what another macro reads.
        let inner = group(quote!(5 - 2));
        let named = group(quote!(scheme = "bearer"));
        for kept in [quote!(#named), quote!(stringify!(#inner))] {
            assert_eq!(
                crate::syntax::text::of(&parenthesised(kept.clone())),
                crate::syntax::text::of(&kept)
            );
        }
    }
}
