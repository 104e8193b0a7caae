//! Tokens as text, formatted as people write them: the policy table shows them, and programs compare them.

use std::mem;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

/// The text of `tokens` on one line, without the spaces that `to_string` puts around each token.
pub(crate) fn of(tokens: &impl ToTokens) -> String {
    let mut text = String::new();
    write(tokens.to_token_stream(), &mut text);
    text
}

/// Operators and how they are formatted, the longer before its own prefix. Others stay unchanged.
const OPERATORS: [(&str, &str); 12] = [
    ("..=", "..="),
    ("==", " == "),
    ("!=", " != "),
    ("<=", " <= "),
    (">=", " >= "),
    ("=>", " => "),
    ("->", " -> "),
    ("||", " || "),
    ("=", " = "),
    ("+", " + "),
    ("|", " | "),
    (",", ", "),
];

/// Writes and clears `puncts`, a sequence of adjacent punctuation.
fn write_operators(puncts: &mut String, text: &mut String) {
    let adjacent = mem::take(puncts);
    let mut rest = adjacent.as_str();
    while let Some(first) = rest.chars().next() {
        let known = OPERATORS.iter().find(|(operator, _)| rest.starts_with(operator));
        let length = known.map_or(first.len_utf8(), |(operator, _)| operator.len());
        let (operator, remaining) = rest.split_at(length);
        text.push_str(known.map_or(operator, |(_, formatted)| formatted));
        rest = remaining;
    }
}

fn write(tokens: TokenStream, text: &mut String) {
    let mut after_word = false;
    let mut puncts = String::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                write_operators(&mut puncts, text);
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => (" { ", " }"),
                    Delimiter::None => ("", ""),
                };
                text.push_str(open);
                write(group.stream(), text);
                text.push_str(close);
                after_word = false;
            }
            TokenTree::Punct(punct) => {
                puncts.push(punct.as_char());
                if punct.spacing() == Spacing::Alone {
                    write_operators(&mut puncts, text);
                }
                after_word = false;
            }
            word @ (TokenTree::Ident(_) | TokenTree::Literal(_)) => {
                write_operators(&mut puncts, text);
                if after_word {
                    text.push(' ');
                }
                text.push_str(&word.to_string());
                after_word = true;
            }
        }
    }
    write_operators(&mut puncts, text);
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn expressions_are_formatted_as_written() {
        assert_eq!(of(&quote!(Self::owns_order)), "Self::owns_order");
        assert_eq!(of(&quote!(ApiKey::header("x-ingest-key"))), "ApiKey::header(\"x-ingest-key\")");
        assert_eq!(of(&quote!(FromExtensions::<User>::new())), "FromExtensions::<User>::new()");
        assert_eq!(of(&quote!(self.keys.get(1, &a))), "self.keys.get(1, &a)");
        assert_eq!(of(&quote!(Role::Of("a") | b)), "Role::Of(\"a\") | b");
        let compared = quote!(Self::with(A == b, c >= 1 || !d));
        assert_eq!(of(&compared), "Self::with(A == b, c >= 1 || !d)");
        assert_eq!(of(&quote!(Self::<'a>::new(&'a ()))), "Self::<'a>::new(&'a())");
    }

    #[test]
    fn adjacent_punctuation_is_split_into_operators() {
        let format = |text: &str| of(&text.parse::<TokenStream>().unwrap());
        assert_eq!(format("f::<A<B>,C>(0..=9,-1)"), "f::<A<B>, C>(0..=9, -1)");
        assert_eq!(format("|x|x==-1"), " | x | x == -1");
    }
}
