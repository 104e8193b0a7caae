//! The arguments of `#[authenticated(..)]`.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{
    Expr, Ident, LitStr, Path, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream, Parser},
    parse_quote,
};

use crate::{
    parse::{
        custom_check::{self, CustomCheck},
        inherited_scheme, list, scheme_rules,
        schemes::Schemes,
        unknown_argument::{ARGUMENTS, unknown_argument},
    },
    recover::errors::Errors,
    syntax::text,
};

/// The arguments, each at most once.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) scheme: Option<Schemes>,
    /// The span of `default` in `scheme = default`.
    pub(crate) inherited_scheme: Option<Span>,
    pub(crate) scopes: Setting<Vec<LitStr>>,
    pub(crate) roles: Setting<Vec<Expr>>,
    pub(crate) authorize: Setting<CustomCheck>,
    pub(crate) authorize_request: Setting<CustomCheck>,
    pub(crate) rpc: Option<LitStr>,
    pub(crate) service: Option<LitStr>,
    pub(crate) server: Option<Path>,
    pub(crate) krate: Option<Path>,
}

/// A requirement or custom check of an attribute.
#[derive(Default)]
pub(crate) enum Setting<T> {
    #[default]
    Absent,
    /// `none`: drops the one of the impl's default.
    Dropped,
    /// The value, and the span of the argument's name.
    Set(T, Span),
}

impl<T> Setting<T> {
    fn new(value: Option<T>, span: Span) -> Self {
        value.map_or(Setting::Dropped, |value| Setting::Set(value, span))
    }

    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Setting::Absent)
    }

    pub(crate) fn is_set(&self) -> bool {
        matches!(self, Setting::Set(..))
    }

    pub(crate) fn value(&self) -> Option<&T> {
        match self {
            Setting::Set(value, _) => Some(value),
            Setting::Absent | Setting::Dropped => None,
        }
    }

    pub(crate) fn span(&self) -> Option<Span> {
        match self {
            Setting::Set(_, span) => Some(*span),
            Setting::Absent | Setting::Dropped => None,
        }
    }

    pub(crate) fn into_value(self) -> Option<T> {
        match self {
            Setting::Set(value, _) => Some(value),
            Setting::Absent | Setting::Dropped => None,
        }
    }
}

impl Arguments {
    /// Parses the arguments. After an error it continues with the next argument.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Arguments {
        let parser = |input: ParseStream<'_>| {
            let mut arguments = Arguments::default();
            let mut found = Errors::default();
            let mut used: Vec<Ident> = Vec::new();
            while !input.is_empty() {
                let parsed =
                    arguments.parse_one(input, &mut used).and_then(|()| match input.is_empty() {
                        true => Ok(None),
                        false => input.parse::<Token![,]>().map(Some),
                    });
                if let Err(error) = parsed {
                    found.push(error);
                    skip_to_comma(input)?;
                    input.parse::<Option<Token![,]>>()?;
                }
            }
            Ok((arguments, found))
        };
        match parser.parse2(tokens) {
            Ok((arguments, found)) => {
                errors.append(found);
                arguments
            }
            Err(error) => {
                errors.push(error);
                Arguments::default()
            }
        }
    }

    /// Takes the path of `tonic_guard`.
    pub(crate) fn take_krate(&mut self) -> Path {
        self.krate.take().unwrap_or_else(|| parse_quote!(::tonic_guard))
    }

    fn parse_one(&mut self, input: ParseStream<'_>, used: &mut Vec<Ident>) -> syn::Result<()> {
        if !input.peek(Ident::peek_any) {
            return Err(input.error(format!(
                "expected the name of an argument, as in `scheme = \"bearer\"`\nnote: the arguments are {ARGUMENTS}"
            )));
        }
        let name = input.call(Ident::parse_any)?;
        let span = name.span();
        if used.contains(&name) {
            return Err(syn::Error::new(span, format!("duplicate argument `{name}`")));
        }
        match name.to_string().as_str() {
            "scheme" => {
                input.parse::<Token![=]>()?;
                self.inherited_scheme = inherited_scheme::parse(input)?;
                if self.inherited_scheme.is_none() {
                    let schemes = input.parse()?;
                    scheme_rules::check(&schemes)?;
                    self.scheme = Some(schemes);
                }
            }
            "scopes" => self.scopes = Setting::new(list::scopes(input, span)?, span),
            "roles" => self.roles = Setting::new(list::roles(input, span)?, span),
            "authorize" => self.authorize = Setting::new(custom_check::parse(input)?, span),
            "authorize_request" => {
                self.authorize_request = Setting::new(custom_check::parse(input)?, span)
            }
            "rpc" => self.rpc = Some(rpc_name(input)?),
            "service" => {
                const EXPECTED: &str = "expected the full name of the service\nhelp: write it as in the proto, with its \
                     package, such as `service = \"shop.v1.Orders\"`";
                self.service = Some(path_segment(input, EXPECTED)?);
            }
            "server" => {
                input.parse::<Token![=]>()?;
                let server = self.server.insert(input.call(Path::parse_mod_style)?);
                if input.peek(Token![<]) {
                    let server = text::of(server);
                    return Err(input.error(format!(
                        "unexpected type arguments on the generated server\nhelp: write `server = {server}`"
                    )));
                }
            }
            "crate" => {
                input.parse::<Token![=]>()?;
                self.krate = Some(input.call(Path::parse_mod_style)?);
            }
            _ => return Err(unknown_argument(&name)),
        }
        used.push(name);
        Ok(())
    }
}

/// Parses `= value`.
fn assigned<T: Parse>(input: ParseStream<'_>) -> syn::Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}

/// Parses the value of `rpc`.
pub(super) fn rpc_name(input: ParseStream<'_>) -> syn::Result<LitStr> {
    const EXPECTED: &str =
        "expected the name of the RPC\nhelp: write it as in the proto, such as `rpc = \"GetURL\"`";
    path_segment(input, EXPECTED)
}

/// Parses a segment of the path `/service/method`. It may contain more characters than a proto identifier, for
/// services without a proto.
fn path_segment(input: ParseStream<'_>, expected: &str) -> syn::Result<LitStr> {
    let name: LitStr = assigned(input)?;
    let text = name.value();
    match !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && c != '/') {
        true => Ok(name),
        false => Err(syn::Error::new(name.span(), expected)),
    }
}

/// Skips the rest of an argument that failed to parse.
fn skip_to_comma(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}
