//! The lists `scopes(..)` and `roles(..)`.

use proc_macro2::Span;
use syn::{
    Expr, LitStr, Token,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
    token,
};

use crate::parse::parentheses::within_parentheses;

/// Wording of the errors about one kind of list.
struct Wording {
    /// The name of the list.
    name: &'static str,
    item: &'static str,
    /// The syntax of an item.
    form: &'static str,
    example: &'static str,
}

/// The scopes in parentheses; `None` for `(none)`. `span` is the list's name.
pub(super) fn scopes(input: ParseStream<'_>, span: Span) -> syn::Result<Option<Vec<LitStr>>> {
    let wording = Wording {
        name: "scopes",
        item: "scope",
        form: "a string literal",
        example: "scopes(\"orders:read\")",
    };
    list(input, span, &wording)
}

/// The roles in parentheses; `None` for `(none)`. `span` is the list's name.
pub(super) fn roles(input: ParseStream<'_>, span: Span) -> syn::Result<Option<Vec<Expr>>> {
    let wording = Wording {
        name: "roles",
        item: "role",
        form: "an expression",
        example: "roles(Role::Admin)",
    };
    list(input, span, &wording)
}

mod keyword {
    syn::custom_keyword!(none);
}

fn list<T: Parse>(
    input: ParseStream<'_>,
    span: Span,
    wording: &Wording,
) -> syn::Result<Option<Vec<T>>> {
    let Wording { name, item, form, example } = wording;
    if !input.peek(token::Paren) {
        return Err(input.error(format!("expected a list in parentheses\nhelp: write `{example}`")));
    }
    let items = within_parentheses(input, |content| {
        if content.peek(keyword::none) && !content.peek2(Token![::]) {
            content.parse::<keyword::none>()?;
            return match content.is_empty() {
                true => Ok(None),
                false => Err(content.error(format!(
                    "`none` can't be combined with other {name}\nhelp: remove `none`; on a method, \
                     `{name}(none)` alone drops the {name} of the impl's default"
                ))),
            };
        }
        let items = Punctuated::<T, Token![,]>::parse_terminated(content);
        items.map(Some).map_err(|error| {
            let message = format!("expected a {item}, written as {form}\nhelp: write `{example}`");
            syn::Error::new(error.span(), message)
        })
    })?;
    match items {
        Some(items) if items.is_empty() => Err(syn::Error::new(
            span,
            format!("expected at least one {item}, found an empty list\nhelp: write `{example}`"),
        )),
        items => Ok(items.map(|items| items.into_iter().collect())),
    }
}
