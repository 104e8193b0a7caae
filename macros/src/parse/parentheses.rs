//! Parsing the content of parentheses.

use proc_macro2::TokenStream;
use syn::{parenthesized, parse::ParseStream};

/// Parses the content of the parentheses that follow with `parser`.
///
/// After an error the rest of the content is skipped: otherwise syn would report the unparsed rest
/// in place of the error.
pub(super) fn within_parentheses<T>(
    input: ParseStream<'_>,
    parser: impl FnOnce(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<T> {
    let content;
    parenthesized!(content in input);
    let parsed = parser(&content);
    content.parse::<TokenStream>()?;
    parsed
}
