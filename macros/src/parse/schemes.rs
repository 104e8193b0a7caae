//! The scheme of a policy: `scheme = one_of("api-key", ApiKey::header("x-key") via self.keys)`.

use proc_macro2::Span;
use quote::ToTokens;
use syn::{
    Expr, Ident, LitStr, Token,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
    spanned::Spanned,
};

use crate::parse::arguments::within_parentheses;
use crate::parse::built_in_scheme::{WORDS, Word};
use crate::syntax::text;

/// As many as the runtime's plans hold.
const MAX_LEAVES: usize = 8;

#[derive(Clone)]
pub(crate) struct Schemes {
    pub(crate) combinator: Combinator,
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) span: Span,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Combinator {
    OneOf,
    AllOf,
    Optional,
}

#[derive(Clone)]
pub(crate) struct Leaf {
    pub(crate) value: Value,
    pub(crate) via: Option<Expr>,
}

#[derive(Clone)]
pub(crate) enum Value {
    Word(Word, Span),
    Expr(Expr),
}

const SEVERAL: &str = "several schemes: `one_of(\"bearer\", \"basic\")` where one of them is enough, \
     `all_of(\"api-key\", \"bearer\")` where a call carries each";

impl Leaf {
    pub(crate) fn span(&self) -> Span {
        match &self.value {
            Value::Word(_, span) => *span,
            Value::Expr(expr) => expr.span(),
        }
    }

    /// The leaf as the table shows it.
    pub(crate) fn text(&self) -> String {
        let value = match &self.value {
            Value::Word(word, _) => word.as_str().to_owned(),
            Value::Expr(expr) => text::of(expr),
        };
        match &self.via {
            Some(via) => format!("{value} via {}", text::of(via)),
            None => value,
        }
    }

    fn word(&self) -> Option<Word> {
        match &self.value {
            Value::Word(word, _) => Some(*word),
            Value::Expr(_) => None,
        }
    }

    /// Whether this reads the extensions: seen by its name, for the rule below.
    fn is_from_extensions(&self) -> bool {
        self.names("FromExtensions")
    }

    /// Whether this reads the connection, as far as its name tells.
    fn is_of_connection(&self) -> bool {
        self.word() == Some(Word::ClientCertificate) || self.names("ClientCertificate")
    }

    /// Whether this reads the call itself, as far as its name tells.
    fn is_of_call(&self) -> bool {
        let named = ["Bearer", "Basic", "ApiKey", "FromExtensions"];
        self.word().is_some_and(|word| word != Word::ClientCertificate)
            || named.into_iter().any(|name| self.names(name))
    }

    /// Whether the value is an expression that names the type `name`.
    fn names(&self, name: &str) -> bool {
        let Value::Expr(expr) = &self.value else { return false };
        text::of(expr).split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name)
    }
}

mod keyword {
    syn::custom_keyword!(via);
    syn::custom_keyword!(one_of);
    syn::custom_keyword!(all_of);
    syn::custom_keyword!(optional);
}

impl Parse for Leaf {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if Combinator::peek(input).is_some() {
            return Err(input.error(
                "combinators don't nest: write `one_of(..)`, `all_of(..)`, `optional(..)` or \
                 `optional(one_of(..))` with schemes inside",
            ));
        }
        let value = if input.peek(LitStr) {
            let literal: LitStr = input.parse()?;
            if input.peek(Token![|]) || input.peek(Token![||]) {
                return Err(input.error(SEVERAL));
            }
            Value::Word(Word::parse(&literal)?, literal.span())
        } else {
            if Combinator::name(input).is_some() && input.peek2(syn::token::Bracket) {
                return Err(input.error(SEVERAL));
            }
            let value: Expr = input.parse()?;
            no_scheme_by_another_name(&value)?;
            Value::Expr(value)
        };
        let via = if input.peek(keyword::via) {
            input.parse::<keyword::via>()?;
            Some(input.parse()?)
        } else {
            None
        };
        Ok(Leaf { value, via })
    }
}

/// Tells what someone meant who wrote a value that can be none: the compiler would only say that there is
/// no such name. A name in capitals may well be a constant.
fn no_scheme_by_another_name(value: &Expr) -> syn::Result<()> {
    let hint = match value {
        Expr::Path(path) => {
            let last = path.path.segments.last().filter(|last| last.arguments.is_none());
            let name = last.map(|last| last.ident.to_string()).unwrap_or_default();
            let of_ours = text::of(path).ends_with("scheme::FromExtensions");
            match name.as_str() {
                "FromExtensions" if of_ours || path.path.get_ident().is_some() => {
                    "this is a type: write the value `FromExtensions::<User>::new()`, with the type that the layer \
                     leaves"
                        .to_owned()
                }
                _ if path.path.get_ident().is_none() => return Ok(()),
                "none" | "public" | "anonymous" => {
                    "a method that is open to everyone says so with `#[anonymous(reason = \"..\")]`".to_owned()
                }
                name => match Word::without_quotes(name) {
                    Some(word) => word.in_quotes(),
                    None => return Ok(()),
                },
            }
        }
        // `api-key`, without its quotes.
        Expr::Binary(binary) => {
            let text = text::of(binary);
            match Word::ALL.into_iter().find(|word| word.as_str() == text) {
                Some(word) => word.in_quotes(),
                None => return Ok(()),
            }
        }
        Expr::Array(_) | Expr::Tuple(_) => SEVERAL.to_owned(),
        Expr::Call(call) => {
            const OTHERS: [&str; 9] =
                ["any", "any_of", "anyof", "either", "oneof", "or", "all", "allof", "and"];
            let is_word = |arg: &Expr| match arg {
                Expr::Lit(lit) => match &lit.lit {
                    syn::Lit::Str(text) => Word::parse(text).is_ok(),
                    _ => false,
                },
                _ => false,
            };
            let several = OTHERS.contains(&text::of(&call.func).as_str())
                && call.args.len() > 1
                && call.args.iter().all(is_word);
            match several {
                true => SEVERAL.to_owned(),
                false => return Ok(()),
            }
        }
        _ => return Ok(()),
    };
    Err(syn::Error::new(value.span(), hint))
}

impl Combinator {
    /// The combinator that comes next: its name with parentheses behind it, as a value may have the
    /// same name.
    fn peek(input: ParseStream<'_>) -> Option<Combinator> {
        Self::name(input).filter(|_| input.peek2(syn::token::Paren))
    }

    fn name(input: ParseStream<'_>) -> Option<Combinator> {
        if input.peek(keyword::one_of) {
            Some(Combinator::OneOf)
        } else if input.peek(keyword::all_of) {
            Some(Combinator::AllOf)
        } else if input.peek(keyword::optional) {
            Some(Combinator::Optional)
        } else {
            None
        }
    }

    fn parse(input: ParseStream<'_>) -> Option<(Combinator, Span)> {
        let combinator = Self::peek(input)?;
        let name: Ident = input.parse().ok()?;
        Some((combinator, name.span()))
    }
}

impl Parse for Schemes {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let Some((combinator, span)) = Combinator::parse(input) else {
            let leaf: Leaf = input.parse()?;
            let span = leaf.span();
            return Schemes { combinator: Combinator::OneOf, leaves: vec![leaf], span }.checked();
        };
        let leaves = within_parentheses(input, |content| {
            if combinator == Combinator::Optional && is_one_of(content) {
                Combinator::parse(content);
                let leaves = within_parentheses(content, |inner| {
                    listed(inner, "optional(one_of(..))", span)
                })?;
                return match content.is_empty() {
                    true => Ok(leaves),
                    false => Err(content.error("`optional` holds one scheme or one `one_of(..)`")),
                };
            }
            let name = match combinator {
                Combinator::OneOf => "one_of(..)",
                Combinator::AllOf => "all_of(..)",
                Combinator::Optional => "optional(..)",
            };
            let leaves = listed(content, name, span)?;
            if combinator == Combinator::Optional && leaves.len() > 1 {
                return Err(syn::Error::new(
                    span,
                    "`optional` holds one scheme or one `one_of(..)`: write `optional(one_of(..))`",
                ));
            }
            Ok(leaves)
        })?;
        Schemes { combinator, leaves, span }.checked()
    }
}

fn is_one_of(content: ParseStream<'_>) -> bool {
    content.peek(keyword::one_of) && content.peek2(syn::token::Paren)
}

fn listed(content: ParseStream<'_>, name: &str, span: Span) -> syn::Result<Vec<Leaf>> {
    let leaves = Punctuated::<Leaf, Token![,]>::parse_terminated(content)?;
    match leaves.len() {
        0 => Err(syn::Error::new(
            span,
            format!("`{name}` needs a scheme inside: {WORDS} or a value"),
        )),
        len if len > MAX_LEAVES => {
            Err(syn::Error::new(span, format!("`{name}` holds at most {MAX_LEAVES} schemes")))
        }
        _ => Ok(leaves.into_iter().collect()),
    }
}

impl Schemes {
    /// The combinations that can't mean what they say.
    fn checked(self) -> syn::Result<Self> {
        self.no_word_twice()?;
        self.one_authorization()?;
        self.no_optional_extension()?;
        self.connection_last()?;
        self.features_are_on()?;
        Ok(self)
    }

    fn no_word_twice(&self) -> syn::Result<()> {
        for (at, leaf) in self.leaves.iter().enumerate() {
            let before = self.leaves.iter().take(at);
            if let Some(word) = leaf.word()
                && before.into_iter().any(|other| other.word() == Some(word))
            {
                return Err(syn::Error::new(
                    leaf.span(),
                    format!(
                        "\"{}\" is listed twice: one call carries it once, so the second never decides",
                        word.as_str()
                    ),
                ));
            }
        }
        Ok(())
    }

    fn one_authorization(&self) -> syn::Result<()> {
        let reads = |leaf: &&Leaf| leaf.word().is_some_and(Word::reads_authorization);
        match self.leaves.iter().filter(reads).nth(1) {
            Some(second) if self.combinator == Combinator::AllOf => Err(syn::Error::new(
                second.span(),
                "\"bearer\" and \"basic\" both stand in the `authorization` header, which a call has once: \
                 no call could pass",
            )),
            _ => Ok(()),
        }
    }

    fn no_optional_extension(&self) -> syn::Result<()> {
        match self.leaves.iter().find(|leaf| leaf.is_from_extensions()) {
            Some(leaf) if self.combinator == Combinator::Optional => Err(syn::Error::new(
                leaf.span(),
                "`FromExtensions` can't be optional: a layer that isn't mounted would open the method",
            )),
            _ => Ok(()),
        }
    }

    /// The connection decides only when the call carries nothing, wherever it is listed. A reader takes
    /// the list as it is.
    fn connection_last(&self) -> syn::Result<()> {
        if self.combinator == Combinator::AllOf {
            return Ok(());
        }
        let mut leaves = self.leaves.iter();
        match leaves.find(|leaf| leaf.is_of_connection()) {
            Some(leaf) if leaves.any(Leaf::is_of_call) => Err(syn::Error::new(
                leaf.span(),
                "a client certificate belongs to the connection, and decides only when the call itself carries \
                 no credentials: list it last",
            )),
            _ => Ok(()),
        }
    }

    fn features_are_on(&self) -> syn::Result<()> {
        self.leaves.iter().try_for_each(|leaf| match &leaf.value {
            Value::Word(word, span) => word.check_feature(*span),
            Value::Expr(_) => Ok(()),
        })
    }
}

impl ToTokens for Value {
    fn to_tokens(&self, tokens: &mut proc_macro2::TokenStream) {
        match self {
            Value::Word(word, span) => LitStr::new(word.as_str(), *span).to_tokens(tokens),
            Value::Expr(expr) => expr.to_tokens(tokens),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(schemes: &str) -> Option<String> {
        syn::parse_str::<Schemes>(schemes).err().map(|error| error.to_string())
    }

    #[test]
    fn a_certificate_is_listed_last() {
        for schemes in [
            "one_of(\"client-certificate\", \"bearer\")",
            "one_of(\"api-key\", \"client-certificate\", \"basic\")",
            "one_of(\"client-certificate\", ApiKey::header(\"x-key\"))",
            "one_of(tonic_guard::scheme::ClientCertificate::new(), \"bearer\")",
            "optional(one_of(\"client-certificate\", \"bearer\"))",
        ] {
            let told = mistake(schemes).is_some_and(|told| told.contains("list it last"));
            assert!(told, "{schemes}");
        }
        // Whatever else is wrong: without its feature the word is refused as well.
        for schemes in [
            "one_of(\"bearer\", \"client-certificate\")",
            "all_of(\"client-certificate\", \"bearer\")",
            "one_of(ForwardedClientCertificate::new(), \"bearer\")",
            "one_of(\"client-certificate\", OfTheConnection)",
        ] {
            let told = mistake(schemes).is_some_and(|told| told.contains("list it last"));
            assert!(!told, "{schemes}");
        }
    }
}
