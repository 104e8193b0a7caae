//! The content of an attribute, for a comparison: methods of one impl with equal attributes share an evaluator.

use std::fmt::Write;

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};

/// The content of an attribute: its tokens, and what each name in it resolves to.
///
/// Two attributes of one impl with equal keys mean the same. Attributes in different places never do: a path
/// has another meaning in another module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ContentKey(String);

impl ContentKey {
    /// `None` if the content can't be compared.
    pub(crate) fn new(tokens: &TokenStream) -> Option<Self> {
        let mut key = String::new();
        write_tokens(tokens.clone(), &mut key, &hygiene)?;
        Some(ContentKey(key))
    }
}

/// Writes the tokens. `hygiene` returns the scope in which a name is resolved.
fn write_tokens(
    tokens: TokenStream,
    key: &mut String,
    hygiene: &impl Fn(Span) -> Option<String>,
) -> Option<()> {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ('(', ')'),
                    Delimiter::Brace => ('{', '}'),
                    Delimiter::Bracket => ('[', ']'),
                    // The argument of a macro. Its text doesn't show where it ends.
                    Delimiter::None => return None,
                };
                key.push(open);
                write_tokens(group.stream(), key, hygiene)?;
                key.push(close);
            }
            TokenTree::Ident(name) => {
                write!(key, "{name}{} ", hygiene(name.span())?).ok()?;
            }
            TokenTree::Punct(punct) => write!(key, "{punct}{:?} ", punct.spacing()).ok()?,
            TokenTree::Literal(literal) => write!(key, "{literal} ").ok()?,
        }
    }
    Some(())
}

/// The syntax context of a span. Two names with one text and one syntax context resolve alike in one impl.
///
/// The compiler shows it in `Debug` alone, as `#7 bytes(..)`. If it ever writes something else, nothing is
/// shared.
fn hygiene(span: Span) -> Option<String> {
    if !proc_macro::is_available() {
        return None;
    }
    let text = format!("{:?}", span.unwrap());
    let (context, bytes) = text.split_once(' ')?;
    let number = context.strip_prefix('#')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && bytes.starts_with("bytes(")).then(|| context.to_owned())
}

#[cfg(test)]
mod tests {
    use proc_macro2::Group;
    use quote::quote;

    use super::*;

    fn key(tokens: &TokenStream) -> Option<String> {
        let mut key = String::new();
        write_tokens(tokens.clone(), &mut key, &|_| Some("#0".to_owned()))?;
        Some(key)
    }

    #[test]
    fn equal_tokens_have_equal_keys() {
        let admin = quote!(scheme = "bearer", roles(Role::Admin));
        assert_eq!(key(&admin), key(&quote!(scheme = "bearer", roles(Role::Admin))));
        for other in [
            quote!(scheme = "bearer", roles(Role::Clerk)),
            quote!(scheme = "bearer", scopes(Role::Admin)),
            quote!(scheme = "bearer", roles[Role::Admin]),
            quote!(scheme = "bearer"),
            quote!(scheme = "basic", roles(Role::Admin)),
        ] {
            assert_ne!(key(&admin), key(&other), "{other}");
        }
    }

    #[test]
    fn names_of_different_scopes_have_different_keys() {
        let tokens = quote!(roles(LEAST));
        let mut other = String::new();
        write_tokens(tokens.clone(), &mut other, &|_| Some("#1".to_owned()));
        assert_ne!(key(&tokens), Some(other));
        assert_eq!(write_tokens(tokens, &mut String::new(), &|_| None), None);
    }

    #[test]
    fn arguments_of_macros_are_not_compared() {
        let argument = Group::new(Delimiter::None, quote!(1 + 1));
        assert_eq!(key(&quote!(roles(#argument))), None);
    }
}
