//! The value of `scheme = ..`, such as `one_of("api-key", ApiKey::header("x-key") via self.keys)`.

use proc_macro2::Span;
use syn::{
    Expr, Ident, LitStr, Token,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
    spanned::Spanned,
};

use crate::{
    parse::{
        built_in_scheme::BuiltInScheme,
        inherited_scheme,
        misplaced_scheme::{SEVERAL_SCHEMES, reject_misplaced},
        parentheses::within_parentheses,
    },
    syntax::text,
};

/// The longest tuple of schemes that the runtime evaluates.
const MAX_SCHEMES: usize = 8;

/// The schemes of one policy, and how they combine.
#[derive(Clone)]
pub(crate) struct Schemes {
    pub(crate) combinator: Combinator,
    /// At least one. `Optional` with several is `optional(one_of(..))`.
    pub(crate) list: Vec<SingleScheme>,
    pub(crate) span: Span,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Combinator {
    OneOf,
    AllOf,
    Optional,
}

/// A scheme and its authenticator: `"bearer" via self.tokens`.
#[derive(Clone)]
pub(crate) struct SingleScheme {
    pub(crate) value: SchemeValue,
    /// The authenticator. Without it, the service itself authenticates.
    pub(crate) via: Option<Expr>,
}

#[derive(Clone)]
pub(crate) enum SchemeValue {
    BuiltIn(BuiltInScheme, Span),
    Custom(Expr),
}

impl SingleScheme {
    pub(crate) fn span(&self) -> Span {
        match &self.value {
            SchemeValue::BuiltIn(_, span) => *span,
            SchemeValue::Custom(expr) => expr.span(),
        }
    }

    /// The text in the policy table.
    pub(crate) fn text(&self) -> String {
        let value = match &self.value {
            SchemeValue::BuiltIn(scheme, _) => scheme.name().to_owned(),
            SchemeValue::Custom(expr) => text::of(expr),
        };
        match &self.via {
            Some(via) => format!("{value} via {}", text::of(via)),
            None => value,
        }
    }

    pub(crate) fn built_in(&self) -> Option<BuiltInScheme> {
        match &self.value {
            SchemeValue::BuiltIn(scheme, _) => Some(*scheme),
            SchemeValue::Custom(_) => None,
        }
    }

    /// Returns whether the value is an expression that mentions the type `name`.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        let SchemeValue::Custom(expr) = &self.value else { return false };
        text::of(expr).split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name)
    }
}

mod keyword {
    syn::custom_keyword!(via);
    syn::custom_keyword!(one_of);
    syn::custom_keyword!(all_of);
    syn::custom_keyword!(optional);
}

impl Combinator {
    /// The combinator that comes next. Without parentheses it is a value with that name.
    fn peek(input: ParseStream<'_>) -> Option<Combinator> {
        Self::peek_name(input).filter(|_| input.peek2(syn::token::Paren))
    }

    fn peek_name(input: ParseStream<'_>) -> Option<Combinator> {
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

    fn name(self) -> &'static str {
        match self {
            Combinator::OneOf => "one_of",
            Combinator::AllOf => "all_of",
            Combinator::Optional => "optional",
        }
    }
}

impl Parse for SingleScheme {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if let Some(nested) = Combinator::peek(input) {
            return Err(input.error(format!(
                "expected a scheme, found `{}`\nhelp: combinators don't nest, except in `optional(one_of(..))`",
                nested.name()
            )));
        }
        inherited_scheme::reject_as_one_of_several(input)?;
        let value = if input.peek(LitStr) {
            let literal: LitStr = input.parse()?;
            if input.peek(Token![|]) || input.peek(Token![||]) {
                return Err(input.error(SEVERAL_SCHEMES));
            }
            SchemeValue::BuiltIn(BuiltInScheme::parse(&literal)?, literal.span())
        } else {
            if Combinator::peek_name(input).is_some() && input.peek2(syn::token::Bracket) {
                return Err(input.error(SEVERAL_SCHEMES));
            }
            let value: Expr = input.parse()?;
            reject_misplaced(&value)?;
            SchemeValue::Custom(value)
        };
        let via = if input.peek(keyword::via) {
            input.parse::<keyword::via>()?;
            Some(input.parse()?)
        } else {
            None
        };
        Ok(SingleScheme { value, via })
    }
}

impl Parse for Schemes {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let Some((combinator, span)) = Combinator::parse(input) else {
            let scheme: SingleScheme = input.parse()?;
            let span = scheme.span();
            return Ok(Schemes { combinator: Combinator::OneOf, list: vec![scheme], span });
        };
        let list = within_parentheses(input, |content| match combinator {
            Combinator::OneOf => parse_list(content, "one_of(..)", span),
            Combinator::AllOf => parse_list(content, "all_of(..)", span),
            Combinator::Optional => parse_optional(content, span),
        })?;
        Ok(Schemes { combinator, list, span })
    }
}

/// Parses what `optional(..)` contains: a scheme, or `one_of(..)`.
fn parse_optional(content: ParseStream<'_>, span: Span) -> syn::Result<Vec<SingleScheme>> {
    if Combinator::peek(content) == Some(Combinator::OneOf) {
        Combinator::parse(content);
        let list =
            within_parentheses(content, |inner| parse_list(inner, "optional(one_of(..))", span))?;
        return match content.is_empty() {
            true => Ok(list),
            false => Err(content
                .error("expected `)`\nhelp: `optional(..)` takes one scheme or one `one_of(..)`")),
        };
    }
    let list = parse_list(content, "optional(..)", span)?;
    match list.len() {
        1 => Ok(list),
        len => Err(syn::Error::new(
            span,
            format!(
                "expected one scheme in `optional(..)`, found {len}\nhelp: combine them with `one_of`: `optional(one_of(..))`"
            ),
        )),
    }
}

fn parse_list(
    content: ParseStream<'_>,
    combinator: &str,
    span: Span,
) -> syn::Result<Vec<SingleScheme>> {
    let list = Punctuated::<SingleScheme, Token![,]>::parse_terminated(content)?;
    match list.len() {
        0 => Err(syn::Error::new(
            span,
            format!(
                "expected a scheme in `{combinator}`\nhelp: write {} or a value whose type implements `Scheme`",
                BuiltInScheme::NAMES
            ),
        )),
        len if len > MAX_SCHEMES => Err(syn::Error::new(
            span,
            format!("expected at most {MAX_SCHEMES} schemes in `{combinator}`, found {len}"),
        )),
        _ => Ok(list.into_iter().collect()),
    }
}
