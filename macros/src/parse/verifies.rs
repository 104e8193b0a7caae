//! The schemes in `#[verifies(..)]`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{Attribute, Ident, LitStr, Token, Type, parse::ParseStream, spanned::Spanned, token};

use crate::{parse::built_in_scheme::BuiltInScheme, recover::errors::Errors, syntax::text};

const MISSING: &str = "expected a scheme, by its name or its type\nhelp: write `#[verifies(\"bearer\")]` or \
     `#[verifies(ApiKey)]`";

pub(crate) enum VerifiedScheme {
    BuiltIn(BuiltInScheme, Span),
    Custom(Box<Type>),
}

impl VerifiedScheme {
    pub(crate) fn span(&self) -> Span {
        match self {
            VerifiedScheme::BuiltIn(_, span) => *span,
            VerifiedScheme::Custom(ty) => ty.span(),
        }
    }

    pub(crate) fn text(&self) -> String {
        match self {
            VerifiedScheme::BuiltIn(scheme, _) => scheme.name().to_owned(),
            VerifiedScheme::Custom(ty) => text::of(ty),
        }
    }

    /// The type of the scheme, where `krate` is the path of `tonic_guard`.
    pub(crate) fn type_in(&self, krate: &TokenStream) -> TokenStream {
        match self {
            VerifiedScheme::BuiltIn(scheme, span) => {
                let name = scheme.type_name(*span);
                quote_spanned!(*span=> #krate::__private::#name)
            }
            VerifiedScheme::Custom(ty) => ty.to_token_stream(),
        }
    }
}

/// The schemes of one attribute. An invalid scheme that resembles a built-in one is replaced by it, so that
/// a method that uses the scheme isn't a second error.
pub(crate) fn parse(attribute: &Attribute, errors: &mut Errors) -> Vec<VerifiedScheme> {
    let mut found = Errors::default();
    let parsed = attribute.parse_args_with(|input: ParseStream<'_>| {
        let parsed = parse_list(input, attribute.span(), &mut found);
        // Otherwise syn would report the unparsed rest in place of the error.
        input.parse::<TokenStream>()?;
        parsed
    });
    let schemes = found.ok(parsed).unwrap_or_default();
    errors.append(found);
    schemes
}

fn parse_list(
    input: ParseStream<'_>,
    attribute: Span,
    errors: &mut Errors,
) -> syn::Result<Vec<VerifiedScheme>> {
    let mut schemes = Vec::new();
    if input.is_empty() {
        errors.push(syn::Error::new(attribute, MISSING));
    }
    while !input.is_empty() {
        let scheme = if input.peek(LitStr) {
            parse_name(input, errors)?
        } else if input.peek(Ident) && input.peek2(Token![=]) {
            return Err(input.error(MISSING));
        } else {
            parse_type(input, errors)?
        };
        schemes.extend(scheme);
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(schemes)
}

fn parse_name(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Option<VerifiedScheme>> {
    let literal: LitStr = input.parse()?;
    let span = literal.span();
    Ok(match BuiltInScheme::parse(&literal) {
        Ok(scheme) => {
            errors.ok(scheme.check_feature(span)).map(|()| VerifiedScheme::BuiltIn(scheme, span))
        }
        Err(error) => {
            errors.push(error);
            BuiltInScheme::nearest(&literal.value()).and_then(|scheme| replacement(scheme, span))
        }
    })
}

fn parse_type(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Option<VerifiedScheme>> {
    let ty: Type = input.parse()?;
    if input.peek(token::Paren) {
        return Err(syn::Error::new(
            ty.span(),
            "expected the type of a scheme, found a value\nhelp: write the type, such as `#[verifies(ApiKey)]`, and the \
             value in `#[authenticated(scheme = ..)]`",
        ));
    }
    let span = ty.span();
    Ok(match intended_scheme(&text::of(&ty)) {
        Some((scheme, message)) => {
            errors.push(syn::Error::new(span, message));
            replacement(scheme, span)
        }
        None => Some(VerifiedScheme::Custom(Box::new(ty))),
    })
}

/// The built-in scheme in place of `code`, which can't be the type of a scheme, and the error message.
fn intended_scheme(code: &str) -> Option<(BuiltInScheme, String)> {
    if let Some(scheme) = BuiltInScheme::without_quotes(code) {
        return Some((scheme, scheme.missing_quotes(code)));
    }
    let scheme = BuiltInScheme::of_credentials(code)?;
    let name = scheme.name();
    let message = format!(
        "expected a scheme, found the type of its credentials, `{code}`\nhelp: write `\"{name}\"`"
    );
    Some((scheme, message))
}

/// A scheme of a feature that is off has no type in the runtime.
fn replacement(scheme: BuiltInScheme, span: Span) -> Option<VerifiedScheme> {
    scheme.check_feature(span).is_ok().then_some(VerifiedScheme::BuiltIn(scheme, span))
}
