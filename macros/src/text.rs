//! Tokens as people write them: the policy table is read by people and compared by programs.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

/// The text of `tokens` on one line, without the spaces that `to_string` puts everywhere.
pub(crate) fn of(tokens: &impl ToTokens) -> String {
    let mut text = String::new();
    write(tokens.to_token_stream(), &mut text);
    text
}

fn write(tokens: TokenStream, text: &mut String) {
    let mut after_word = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
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
                let spaced =
                    matches!(punct.as_char(), '=' | '+' | '|') && punct.spacing() == Spacing::Alone;
                match punct.as_char() {
                    ',' => text.push_str(", "),
                    other if spaced => {
                        text.push(' ');
                        text.push(other);
                        text.push(' ');
                    }
                    other => text.push(other),
                }
                after_word = false;
            }
            word @ (TokenTree::Ident(_) | TokenTree::Literal(_)) => {
                if after_word {
                    text.push(' ');
                }
                text.push_str(&word.to_string());
                after_word = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn text_reads_as_written() {
        assert_eq!(of(&quote!(Self::owns_order)), "Self::owns_order");
        assert_eq!(of(&quote!(ApiKey::header("x-ingest-key"))), "ApiKey::header(\"x-ingest-key\")");
        assert_eq!(of(&quote!(FromExtensions::<User>::new())), "FromExtensions::<User>::new()");
        assert_eq!(of(&quote!(self.keys.get(1, &a))), "self.keys.get(1, &a)");
        assert_eq!(of(&quote!(Role::Of("a") | b)), "Role::Of(\"a\") | b");
    }
}
