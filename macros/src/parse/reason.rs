//! The arguments of `#[anonymous(reason = "..")]` and `#[denied(reason = "..")]`.

use proc_macro2::{Span, TokenStream};
use syn::{
    Ident, LitStr, Token,
    ext::IdentExt,
    parse::{ParseStream, Parser},
};

use crate::parse::arguments::rpc_name;

/// An attribute whose argument is a reason.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum ReasonAttribute {
    Anonymous,
    Denied,
}

/// The reason, and the argument `rpc`.
pub(crate) struct Reason {
    pub(crate) reason: LitStr,
    pub(crate) rpc: Option<LitStr>,
}

impl ReasonAttribute {
    fn missing(self) -> &'static str {
        match self {
            ReasonAttribute::Anonymous => {
                "expected the reason why everyone may call this method\nhelp: write `#[anonymous(reason = \"..\")]`"
            }
            ReasonAttribute::Denied => {
                "expected the reason why nobody may call this method\nhelp: write `#[denied(reason = \"..\")]`"
            }
        }
    }

    fn form(self) -> &'static str {
        match self {
            ReasonAttribute::Anonymous => "#[anonymous(reason = \"..\")]",
            ReasonAttribute::Denied => "#[denied(reason = \"..\")]",
        }
    }

    /// Parses the arguments.
    ///
    /// # Errors
    ///
    /// When the reason is missing, blank or longer than a line, and when there are other arguments.
    pub(crate) fn parse(self, tokens: TokenStream) -> syn::Result<Reason> {
        if tokens.is_empty() {
            return Err(syn::Error::new(Span::call_site(), self.missing()));
        }
        let parsed = (|input: ParseStream<'_>| self.parse_arguments(input)).parse2(tokens)?;
        let reason = &parsed.reason;
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
        Ok(parsed)
    }

    fn parse_arguments(self, input: ParseStream<'_>) -> syn::Result<Reason> {
        let (mut reason, mut rpc) = (None, None);
        while !input.is_empty() {
            if !input.peek(Ident::peek_any) {
                let expected = match reason {
                    None => self.missing().to_owned(),
                    Some(_) => {
                        format!(
                            "unexpected argument after the reason\nhelp: write `{}`",
                            self.form()
                        )
                    }
                };
                return Err(input.error(expected));
            }
            let name = input.call(Ident::parse_any)?;
            let slot = match name.to_string().as_str() {
                "reason" => &mut reason,
                "rpc" => &mut rpc,
                _ => return Err(self.unknown(&name)),
            };
            if slot.is_some() {
                return Err(syn::Error::new(name.span(), format!("duplicate argument `{name}`")));
            }
            *slot = Some(match name == "rpc" {
                true => rpc_name(input)?,
                false => {
                    input.parse::<Token![=]>()?;
                    input.parse::<LitStr>()?
                }
            });
            if !input.is_empty() && !input.peek(Token![,]) {
                return Err(input.error(format!("expected `,`\nhelp: write `{}`", self.form())));
            }
            input.parse::<Option<Token![,]>>()?;
        }
        match reason {
            Some(reason) => Ok(Reason { reason, rpc }),
            None => Err(input.error(self.missing())),
        }
    }

    fn unknown(self, name: &Ident) -> syn::Error {
        let optional = match name == "scheme" && self == ReasonAttribute::Anonymous {
            true => {
                ", or `#[authenticated(scheme = optional(..))]` if callers may have credentials"
            }
            false => "",
        };
        syn::Error::new(
            name.span(),
            format!("unknown argument `{name}`\nhelp: write `{}`{optional}", self.form()),
        )
    }
}
