//! `scheme = default`: the scheme of the impl's default.

use proc_macro2::Span;
use syn::{
    Token,
    parse::{ParseStream, discouraged::Speculative},
};

mod keyword {
    syn::custom_keyword!(default);
}

/// Parses `default`, if it comes next as a whole value and not as the start of an expression.
///
/// # Errors
///
/// When something follows that `default` doesn't combine with, such as `via`.
pub(super) fn parse(input: ParseStream<'_>) -> syn::Result<Option<Span>> {
    let ahead = input.fork();
    let Ok(name) = ahead.parse::<keyword::default>() else { return Ok(None) };
    // A function, a path or a value of that name.
    let is_expression = ahead.peek(syn::token::Paren) || ahead.peek(Token![::]);
    if is_expression || ahead.peek(Token![.]) || ahead.peek(Token![!]) {
        return Ok(None);
    }
    input.advance_to(&ahead);
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(Some(name.span));
    }
    Err(input.error(
        "expected `,` after `scheme = default`\nnote: it keeps the impl's scheme together with its `via`\nhelp: write \
         `scheme = default`, or the scheme of this method in full",
    ))
}

/// Rejects `default` in the place of one of several schemes.
pub(super) fn reject_as_one_of_several(input: ParseStream<'_>) -> syn::Result<()> {
    let is_default =
        input.peek(keyword::default) && !input.peek2(syn::token::Paren) && !input.peek2(Token![::]);
    match is_default {
        false => Ok(()),
        true => Err(input.error(
            "`default` can't be combined with other schemes\nhelp: write `scheme = default` alone, or list the \
             impl's schemes here",
        )),
    }
}
