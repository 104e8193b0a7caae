//! The value of `authorize = ..` and `authorize_request = ..`: a path or a closure.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{
    Expr, ExprClosure, ExprPath, Pat, ReturnType, Token, parse::ParseStream, spanned::Spanned,
};

use crate::syntax::text;

/// A custom check.
#[derive(Clone)]
pub(crate) enum CustomCheck {
    /// The path of an async function of the service, the identity, and the call head or the request.
    Path(ExprPath),
    /// A closure of the identity, and the call head or the request. Its body is awaited.
    Closure(ExprClosure),
}

impl CustomCheck {
    pub(crate) fn span(&self) -> Span {
        match self {
            CustomCheck::Path(path) => path.span(),
            CustomCheck::Closure(closure) => closure.span(),
        }
    }

    /// The text in the policy table: the path, or the body of the closure.
    pub(crate) fn text(&self) -> String {
        match self {
            CustomCheck::Path(path) => text::of(path),
            CustomCheck::Closure(closure) => text::of(&closure.body).trim().to_owned(),
        }
    }
}

impl ToTokens for CustomCheck {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            CustomCheck::Path(path) => path.to_tokens(tokens),
            CustomCheck::Closure(closure) => closure.to_tokens(tokens),
        }
    }
}

/// Parses `= value`; `None` for `none`.
pub(super) fn parse(input: ParseStream<'_>) -> syn::Result<Option<CustomCheck>> {
    input.parse::<Token![=]>()?;
    parse_value(input)
}

/// Parses a path or a closure; `None` for `none`.
pub(super) fn parse_value(input: ParseStream<'_>) -> syn::Result<Option<CustomCheck>> {
    let mut value: Expr = input.parse()?;
    // A `macro_rules!` passes on an expression in an invisible group, or in the parentheses that replace it.
    loop {
        value = match value {
            Expr::Group(group) => *group.expr,
            Expr::Paren(paren) if matches!(*paren.expr, Expr::Closure(_)) => *paren.expr,
            _ => break,
        };
    }
    let found = match value {
        Expr::Path(path) if path.path.is_ident("none") => return Ok(None),
        Expr::Path(path) => return Ok(Some(CustomCheck::Path(path))),
        Expr::Closure(closure) => return check_closure(closure).map(Some),
        Expr::Call(_) | Expr::MethodCall(_) => "a call",
        _ => "another expression",
    };
    Err(syn::Error::new(
        value.span(),
        format!(
            "expected the path of an async function or a closure, found {found}\nhelp: write a path such as \
             `Self::owns_order`, which is called with the service, the identity, and the call head or the request\n\
             help: to pass arguments, write `|caller, request| self.owns_order(caller, request, ..)`"
        ),
    ))
}

fn check_closure(closure: ExprClosure) -> syn::Result<CustomCheck> {
    let error = |span: Span, message: String| Err(syn::Error::new(span, message));
    if closure.inputs.len() != 2 {
        let found = closure.inputs.len();
        return error(
            closure.span(),
            format!(
                "expected a closure of two parameters, found {found}\nhelp: write `|caller, request| ..`, with the \
                 identity and the request, or under `authorize` the call head; the service is `self`"
            ),
        );
    }
    if let Some(token) = &closure.asyncness {
        return error(
            token.span,
            "unexpected `async`\nnote: the body of the closure is awaited\nhelp: write `|caller, request| \
             self.owns_order(caller, request)`, or `|caller, request| async move { .. }`"
                .to_owned(),
        );
    }
    if let Some(Pat::Ident(first)) = closure.inputs.first()
        && ["request", "req", "head"].iter().any(|name| first.ident == name)
    {
        return error(
            first.ident.span(),
            format!(
                "expected the identity, found `{}`\nhelp: the identity is the first parameter, as in `|caller, {}| ..`",
                first.ident, first.ident,
            ),
        );
    }
    if let ReturnType::Type(_, ty) = &closure.output {
        return error(
            ty.span(),
            "unexpected return type\nnote: the body of the closure is a future, which is awaited\nhelp: remove the \
             return type"
                .to_owned(),
        );
    }
    Ok(CustomCheck::Closure(closure))
}
