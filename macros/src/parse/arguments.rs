//! The arguments of `#[authenticated(..)]` and `#[anonymous(..)]`.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{
    Expr, ExprPath, Ident, LitStr, Path, Token,
    ext::IdentExt,
    parenthesized,
    parse::{Parse, ParseStream, Parser},
    punctuated::Punctuated,
    spanned::Spanned,
    token,
};

use crate::parse::built_in_scheme::within_two_edits;
use crate::parse::schemes::Schemes;
use crate::recover::errors::Errors;

const ARGUMENTS: &str = "`scheme = ..`, `scopes(..)`, `roles(..)`, `authorize = ..`, \
     `authorize_request = ..`, `rpc = \"..\"`, `service = \"..\"`, `server = ..`, `crate = ..`";

/// What `#[authenticated(..)]` says, each argument at most once.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) scheme: Option<Schemes>,
    pub(crate) scopes: Setting<Vec<LitStr>>,
    pub(crate) roles: Setting<Vec<Expr>>,
    pub(crate) authorize: Setting<ExprPath>,
    pub(crate) authorize_request: Setting<ExprPath>,
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
                let read = args.parse_one(input, &mut seen).and_then(|()| match input.is_empty() {
                    true => Ok(None),
                    false => input.parse::<Token![,]>().map(Some),
                });
                if let Err(error) = read {
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
            "authorize" => self.authorize = function(input, span)?,
            "authorize_request" => self.authorize_request = function(input, span)?,
            "rpc" => {
                const WHAT: &str =
                    "the method's own name, as the proto has it, such as `rpc = \"GetURL\"`";
                self.rpc = Some(segment(input, WHAT)?);
            }
            "service" => {
                const WHAT: &str = "the service's full name, as the proto has it, such as \
                     `service = \"shop.v1.Orders\"`";
                self.service = Some(segment(input, WHAT)?);
            }
            "server" => {
                input.parse::<Token![=]>()?;
                self.server = Some(input.call(Path::parse_mod_style)?);
                if input.peek(Token![<]) {
                    return Err(input.error(
                        "name the generated server without its type: `server = orders_server::OrdersServer`",
                    ));
                }
            }
            "crate" => {
                input.parse::<Token![=]>()?;
                self.krate = Some(input.call(Path::parse_mod_style)?);
            }
            unknown => {
                let hint = hint(unknown);
                return Err(syn::Error::new(
                    span,
                    format!("unknown argument `{unknown}`{hint}\nthe arguments are {ARGUMENTS}"),
                ));
            }
        }
        seen.push(name);
        Ok(())
    }
}

/// What someone meant who wrote the argument `unknown`.
fn hint(unknown: &str) -> String {
    const NAMES: [&str; 9] = [
        "scheme",
        "scopes",
        "roles",
        "authorize",
        "authorize_request",
        "rpc",
        "service",
        "server",
        "crate",
    ];
    match unknown {
        "one_of" | "all_of" => format!("; write `scheme = {unknown}(..)`"),
        "optional" => "; write `scheme = optional(\"bearer\")`".to_owned(),
        "via" => {
            "; it stands behind its scheme, without a comma: `scheme = \"bearer\" via self.tokens`"
                .to_owned()
        }
        "header" => "; write `scheme = ApiKey::header(\"x-ingest-key\")`".to_owned(),
        "public" | "open" | "anonymous" | "allow_anonymous" => {
            "; write `#[anonymous(reason = \"..\")]` on the method".to_owned()
        }
        "bearer" | "basic" => format!("; write `scheme = \"{unknown}\"`"),
        _ => {
            let near = NAMES.into_iter().find(|name| within_two_edits(name, unknown));
            near.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
        }
    }
}

/// A name that can stand in a call's path, `/service/method`: of a service that isn't made of a proto it may
/// hold more than a proto's would.
fn segment(input: ParseStream<'_>, what: &str) -> syn::Result<LitStr> {
    let name: LitStr = value(input)?;
    let text = name.value();
    match !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && c != '/') {
        true => Ok(name),
        false => Err(syn::Error::new(name.span(), what)),
    }
}

mod keyword {
    syn::custom_keyword!(none);
}

fn value<T: Parse>(input: ParseStream<'_>) -> syn::Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}

fn function(input: ParseStream<'_>, span: Span) -> syn::Result<Setting<ExprPath>> {
    let mut named: Expr = value(input)?;
    // As a macro hands it on.
    while let Expr::Group(group) = named {
        named = *group.expr;
    }
    match named {
        Expr::Path(path) if path.path.is_ident("none") => Ok(Setting::Dropped),
        Expr::Path(path) => Ok(Setting::Set(path, span)),
        other => Err(syn::Error::new(
            other.span(),
            "name an async function, such as `Self::owns_order`: it is called with the service, the identity \
             and what it judges",
        )),
    }
}

/// What `read` makes of the parentheses that follow, all of it. After a mistake the rest is dropped:
/// syn would complain of it and forget the mistake.
pub(crate) fn within_parentheses<T>(
    input: ParseStream<'_>,
    read: impl FnOnce(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<T> {
    let content;
    parenthesized!(content in input);
    let read = read(&content);
    content.parse::<TokenStream>()?;
    read
}

fn list<T: Parse>(
    input: ParseStream<'_>,
    span: Span,
    example: &str,
) -> syn::Result<Setting<Vec<T>>> {
    let read = |content: ParseStream<'_>| {
        if content.peek(keyword::none) && !content.peek2(Token![::]) {
            content.parse::<keyword::none>()?;
            return match content.is_empty() {
                true => Ok(None),
                false => Err(content.error("`none` stands alone")),
            };
        }
        let items = Punctuated::<T, Token![,]>::parse_terminated(content);
        items.map(Some).map_err(|error| {
            syn::Error::new(error.span(), format!("this can't be read: write `{example}`"))
        })
    };
    if !input.peek(token::Paren) {
        return Err(input.error(format!("write `{example}`")));
    }
    let Some(items) = within_parentheses(input, read)? else {
        return Ok(Setting::Dropped);
    };
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
        if !input.peek(Ident::peek_any) {
            return Err(input.error(FORM));
        }
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
    if reason.value().contains(char::is_control) {
        return Err(syn::Error::new(reason.span(), "a reason is one line of the policy table"));
    }
    if reason.value().trim().is_empty() {
        return Err(syn::Error::new(
            reason.span(),
            "a blank reason explains nothing: it is shown in the policy table",
        ));
    }
    Ok(reason)
}
