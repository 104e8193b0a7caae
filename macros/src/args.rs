//! The arguments of `#[authenticated(..)]` and `#[anonymous(..)]`.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{
    Expr, Ident, LitStr, Path, Token,
    ext::IdentExt,
    parenthesized,
    parse::{Parse, ParseStream, Parser},
    punctuated::Punctuated,
};

use crate::{errors::Errors, scheme::Schemes};

const ARGUMENTS: &str = "`scheme = ..`, `scopes(..)`, `roles(..)`, `authorize = ..`, \
     `authorize_request = ..`, `rpc = \"..\"`, `service = \"..\"`, `server = ..`, `crate = ..`";

/// What `#[authenticated(..)]` says, each argument at most once.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) scheme: Option<Schemes>,
    pub(crate) scopes: Setting<Vec<LitStr>>,
    pub(crate) roles: Setting<Vec<Expr>>,
    pub(crate) authorize: Setting<Path>,
    pub(crate) authorize_request: Setting<Path>,
    pub(crate) rpc: Option<LitStr>,
    pub(crate) service: Option<LitStr>,
    pub(crate) server: Option<Path>,
    pub(crate) krate: Option<Path>,
}

/// A check that an attribute may have, or drop by name.
#[derive(Default)]
pub(crate) enum Setting<T> {
    #[default]
    Unsaid,
    /// `none`: what the impl's default has doesn't hold here.
    Dropped,
    Set(T, Span),
}

impl<T> Setting<T> {
    pub(crate) fn is_unsaid(&self) -> bool {
        matches!(self, Setting::Unsaid)
    }

    pub(crate) fn is_set(&self) -> bool {
        matches!(self, Setting::Set(..))
    }

    pub(crate) fn span(&self) -> Option<Span> {
        match self {
            Setting::Set(_, span) => Some(*span),
            Setting::Unsaid | Setting::Dropped => None,
        }
    }

    pub(crate) fn into_value(self) -> Option<T> {
        match self {
            Setting::Set(value, _) => Some(value),
            Setting::Unsaid | Setting::Dropped => None,
        }
    }
}

impl Args {
    /// Reads the arguments. Mistakes go to `errors`; what could be read is returned.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Args {
        let parser = |input: ParseStream<'_>| {
            let mut args = Args::default();
            let mut mistakes = Errors::default();
            let mut seen: Vec<Ident> = Vec::new();
            while !input.is_empty() {
                if let Err(error) = args.parse_one(input, &mut seen) {
                    mistakes.push(error);
                    skip_argument(input)?;
                }
                if input.is_empty() {
                    break;
                }
                if let Err(error) = input.parse::<Token![,]>() {
                    mistakes.push(error);
                    skip_argument(input)?;
                    input.parse::<Option<Token![,]>>()?;
                }
            }
            Ok((args, mistakes))
        };
        match parser.parse2(tokens) {
            Ok((args, mistakes)) => {
                errors.append(mistakes);
                args
            }
            Err(error) => {
                errors.push(error);
                Args::default()
            }
        }
    }

    fn parse_one(&mut self, input: ParseStream<'_>, seen: &mut Vec<Ident>) -> syn::Result<()> {
        if !input.peek(Ident::peek_any) {
            return Err(input.error(format!("expected an argument: {ARGUMENTS}")));
        }
        let name = input.call(Ident::parse_any)?;
        let span = name.span();
        if seen.contains(&name) {
            return Err(syn::Error::new(span, format!("`{name}` is given twice")));
        }
        match name.to_string().as_str() {
            "scheme" => {
                input.parse::<Token![=]>()?;
                self.scheme = Some(input.parse()?);
            }
            "scopes" => self.scopes = list(input, span, "scopes(\"orders:read\")")?,
            "roles" => self.roles = list(input, span, "roles(Role::Admin)")?,
            "authorize" => self.authorize = path(input, span)?,
            "authorize_request" => self.authorize_request = path(input, span)?,
            "rpc" => self.rpc = Some(value(input)?),
            "service" => self.service = Some(value(input)?),
            "server" => self.server = Some(value(input)?),
            "crate" => {
                input.parse::<Token![=]>()?;
                self.krate = Some(input.call(Path::parse_mod_style)?);
            }
            unknown => {
                return Err(syn::Error::new(
                    span,
                    format!("unknown argument `{unknown}`\nthe arguments are {ARGUMENTS}"),
                ));
            }
        }
        seen.push(name);
        Ok(())
    }
}

fn value<T: Parse>(input: ParseStream<'_>) -> syn::Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}

fn path(input: ParseStream<'_>, span: Span) -> syn::Result<Setting<Path>> {
    let path: Path = value(input)?;
    Ok(if path.is_ident("none") { Setting::Dropped } else { Setting::Set(path, span) })
}

fn list<T: Parse>(
    input: ParseStream<'_>,
    span: Span,
    example: &str,
) -> syn::Result<Setting<Vec<T>>> {
    let content;
    parenthesized!(content in input);
    if content.peek(Ident)
        && content.fork().parse::<Ident>()? == "none"
        && !content.peek2(Token![::])
    {
        content.parse::<Ident>()?;
        if !content.is_empty() {
            return Err(content.error("`none` stands alone"));
        }
        return Ok(Setting::Dropped);
    }
    let items = Punctuated::<T, Token![,]>::parse_terminated(&content)?;
    if items.is_empty() {
        return Err(syn::Error::new(
            span,
            format!("an empty list checks nothing: write `{example}`"),
        ));
    }
    Ok(Setting::Set(items.into_iter().collect(), span))
}

/// Moves on to the comma behind an argument that couldn't be read.
fn skip_argument(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

/// The reason of `#[anonymous(reason = "..")]`.
pub(crate) fn anonymous(tokens: TokenStream) -> syn::Result<LitStr> {
    const FORM: &str = "say why everyone may call this: `#[anonymous(reason = \"..\")]`";

    if tokens.is_empty() {
        return Err(syn::Error::new(Span::call_site(), FORM));
    }
    let parser = |input: ParseStream<'_>| {
        let name = input.call(Ident::parse_any)?;
        if name != "reason" {
            return Err(syn::Error::new(
                name.span(),
                format!("`anonymous` takes `reason` alone\n{FORM}"),
            ));
        }
        let reason: LitStr = value(input)?;
        input.parse::<Option<Token![,]>>()?;
        if !input.is_empty() {
            return Err(input.error(format!("`anonymous` takes `reason` alone\n{FORM}")));
        }
        Ok(reason)
    };
    let reason = parser.parse2(tokens)?;
    if reason.value().trim().is_empty() {
        return Err(syn::Error::new(
            reason.span(),
            "a blank reason explains nothing: it is shown in the policy table",
        ));
    }
    Ok(reason)
}
