//! The argument of `#[anonymous(reason = "..")]`.

use proc_macro2::{Span, TokenStream};
use syn::{
    Ident, LitStr, Token,
    ext::IdentExt,
    parse::{ParseStream, Parser},
};

const MISSING: &str = "expected the reason why everyone may call this method\nhelp: write \
     `#[anonymous(reason = \"..\")]`";

/// The reason.
///
/// # Errors
///
/// When the reason is missing, blank or longer than a line, and when there are other arguments.
pub(crate) fn parse(tokens: TokenStream) -> syn::Result<LitStr> {
    if tokens.is_empty() {
        return Err(syn::Error::new(Span::call_site(), MISSING));
    }
    let reason = parse_argument.parse2(tokens)?;
    if reason.value().contains(char::is_control) {
        return Err(syn::Error::new(
            reason.span(),
            "expected a reason of one line, found a control character\nnote: the policy table shows the reason \
             on one line",
        ));
    }
    if reason.value().trim().is_empty() {
        return Err(syn::Error::new(
            reason.span(),
            "expected a reason, found a blank string\nnote: the policy table shows the reason",
        ));
    }
    Ok(reason)
}

fn parse_argument(input: ParseStream<'_>) -> syn::Result<LitStr> {
    if !input.peek(Ident::peek_any) {
        return Err(input.error(MISSING));
    }
    let name = input.call(Ident::parse_any)?;
    if name != "reason" {
        let optional = match name == "scheme" {
            true => {
                ", or `#[authenticated(scheme = optional(..))]` if callers may have credentials"
            }
            false => "",
        };
        return Err(syn::Error::new(
            name.span(),
            format!(
                "unknown argument `{name}`\nhelp: write `#[anonymous(reason = \"..\")]`{optional}"
            ),
        ));
    }
    input.parse::<Token![=]>()?;
    let reason: LitStr = input.parse()?;
    input.parse::<Option<Token![,]>>()?;
    match input.is_empty() {
        true => Ok(reason),
        false => Err(input.error(
            "unexpected argument after the reason\nhelp: write `#[anonymous(reason = \"..\")]`",
        )),
    }
}
