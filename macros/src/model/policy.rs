//! The validated meaning of one attribute, and the rules across its arguments.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError},
};

use proc_macro2::{Span, TokenStream};
use syn::{Expr, ExprPath, LitStr};

use crate::parse::arguments::Args;
use crate::parse::schemes::{Combinator, Leaf, Schemes, Value};
use crate::recover::errors::Errors;
use crate::syntax::text;

/// Who may call a method.
#[derive(Clone)]
pub(crate) struct Policy {
    pub(crate) schemes: Schemes,
    pub(crate) scopes: Vec<LitStr>,
    pub(crate) roles: Vec<Expr>,
    pub(crate) authorize: Option<ExprPath>,
    pub(crate) authorize_request: Option<ExprPath>,
    /// Tells this attribute from every other, also from one that another expansion reads.
    pub(crate) id: u64,
}

impl Policy {
    /// The policy that `args` say; they were read from `tokens`, of an attribute at `span`.
    pub(crate) fn new(
        args: Args,
        tokens: &TokenStream,
        span: Span,
        errors: &mut Errors,
    ) -> Option<Self> {
        no_scopes_or_roles_under_optional(&args, errors);
        scopes_fit_a_challenge(&args, errors);
        let Some(schemes) = args.scheme else {
            // A scheme that couldn't be read was told already.
            if errors.is_empty() {
                errors.push(syn::Error::new(
                    span,
                    "which credentials? write `scheme = \"bearer\"`, `\"basic\"`, `\"api-key\"`, \
                     `\"client-certificate\"` or a value whose type implements `Scheme`",
                ));
            }
            return None;
        };
        Some(Policy {
            schemes,
            scopes: args.scopes.into_value().unwrap_or_default(),
            roles: args.roles.into_value().unwrap_or_default(),
            authorize: args.authorize.into_value(),
            authorize_request: args.authorize_request.into_value(),
            id: id(tokens, span),
        })
    }

    /// Whether a caller may come as one of several types.
    pub(crate) fn has_alternatives(&self) -> bool {
        self.schemes.combinator != Combinator::AllOf && self.schemes.leaves.len() > 1
    }

    /// Whether the methods that have it share a plan. A check of the request is told its type, which
    /// is the method's own.
    pub(crate) fn is_shared(&self) -> bool {
        self.authorize_request.is_none()
    }

    /// Whether an expression of the user's runs, and not only paths and fields, where a call is decided.
    pub(crate) fn may_panic(&self) -> bool {
        let leaf = |leaf: &Leaf| {
            let value = match &leaf.value {
                Value::Word(..) => false,
                Value::Expr(expr) => runs(expr),
            };
            value || leaf.via.as_ref().is_some_and(runs)
        };
        self.schemes.leaves.iter().any(leaf) || self.roles.iter().any(runs)
    }

    /// The path of a check of the user's own, if there is one.
    pub(crate) fn own_check(&self) -> Option<&ExprPath> {
        self.authorize.as_ref().or(self.authorize_request.as_ref())
    }
}

/// Whether an expression is more than the name of something that is there.
fn runs(expr: &Expr) -> bool {
    match expr {
        Expr::Path(_) | Expr::Lit(_) => false,
        Expr::Field(field) => runs(&field.base),
        Expr::Reference(reference) => runs(&reference.expr),
        Expr::Paren(inner) => runs(&inner.expr),
        Expr::Group(inner) => runs(&inner.expr),
        _ => true,
    }
}

/// Two attributes have two numbers: they differ in what they say, in where they stand or, where a macro
/// repeats one, in which of them is read first. The text alone wouldn't do: a path means another thing
/// elsewhere, and the groups that a macro makes of its arguments don't show in it.
fn id(tokens: &TokenStream, span: Span) -> u64 {
    static READ: Mutex<BTreeMap<u64, u64>> = Mutex::new(BTreeMap::new());

    let place = place(tokens, span);
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    let before = read.entry(place).or_default();
    let mut hasher = DefaultHasher::new();
    (place, *before).hash(&mut hasher);
    *before += 1;
    hasher.finish()
}

/// What an attribute says, and where it stands.
fn place(tokens: &TokenStream, span: Span) -> u64 {
    let mut hasher = DefaultHasher::new();
    text::of(tokens).hash(&mut hasher);
    // Outside a compiler, in this crate's own tests, there is no place, and `unwrap` would panic.
    if proc_macro::is_available() {
        let span = span.unwrap();
        (span.file(), span.line(), span.column()).hash(&mut hasher);
    }
    hasher.finish()
}

fn no_scopes_or_roles_under_optional(args: &Args, errors: &mut Errors) {
    let optional =
        args.scheme.as_ref().is_some_and(|schemes| schemes.combinator == Combinator::Optional);
    for span in [args.scopes.span(), args.roles.span()].into_iter().flatten().filter(|_| optional) {
        errors.push(syn::Error::new(
            span,
            "under `optional` a caller without credentials gets in, and has no scopes or roles to ask for: \
             drop `optional`, or ask in `authorize = ..`",
        ));
    }
}

/// RFC 6749, section 3.3: printable ASCII without space, quote and backslash.
fn scopes_fit_a_challenge(args: &Args, errors: &mut Errors) {
    let crate::parse::arguments::Setting::Set(scopes, _) = &args.scopes else { return };
    for scope in scopes {
        let value = scope.value();
        let fits = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\';
        if value.is_empty() || !value.chars().all(fits) {
            errors.push(syn::Error::new(
                scope.span(),
                "a scope is printable ASCII without spaces, quotes and backslashes; write each scope as a \
                 string of its own: `scopes(\"orders:read\", \"orders:write\")`",
            ));
        }
    }
}

/// What an impl's default may not say.
pub(crate) fn check_default(args: &Args, errors: &mut Errors) {
    if let Some(schemes) = &args.scheme
        && schemes.combinator == Combinator::Optional
    {
        errors.push(syn::Error::new(
            schemes.span,
            "`optional` can't be the default of an impl: methods would be open without saying so. Write it \
             on each method that is",
        ));
    }
    if let Some(rpc) = &args.rpc {
        errors.push(syn::Error::new(rpc.span(), "`rpc` names one method: write it on that method"));
    }
}

/// What a method's attribute may not say.
pub(crate) fn check_method(args: &Args, errors: &mut Errors) {
    let service = args.service.as_ref().map(|service| (service.span(), "service"));
    let server = args.server.as_ref().map(|server| (syn::spanned::Spanned::span(server), "server"));
    for (span, name) in [service, server].into_iter().flatten() {
        errors.push(syn::Error::new(
            span,
            format!("`{name}` holds for the whole service: write it in the `#[authenticated(..)]` on the impl"),
        ));
    }
}

/// The checks of an impl's default, by name.
pub(crate) struct DefaultChecks {
    scopes: bool,
    roles: bool,
    authorize: bool,
    authorize_request: bool,
}

impl DefaultChecks {
    pub(crate) fn of(args: &Args) -> Self {
        DefaultChecks {
            scopes: args.scopes.is_set(),
            roles: args.roles.is_set(),
            authorize: args.authorize.is_set(),
            authorize_request: args.authorize_request.is_set(),
        }
    }

    /// An attribute on a method replaces the default whole. So that a check can't vanish by that, each
    /// one of the default's is repeated or dropped by name.
    pub(crate) fn check_named_by(&self, args: &Args, span: Span, errors: &mut Errors) {
        let unnamed = [
            (self.scopes && args.scopes.is_unsaid(), "scopes(..)", "scopes(none)"),
            (self.roles && args.roles.is_unsaid(), "roles(..)", "roles(none)"),
            (self.authorize && args.authorize.is_unsaid(), "authorize = ..", "authorize = none"),
            (
                self.authorize_request && args.authorize_request.is_unsaid(),
                "authorize_request = ..",
                "authorize_request = none",
            ),
        ];
        for (_, check, dropped) in unnamed.into_iter().filter(|(missing, ..)| *missing) {
            errors.push(syn::Error::new(
                span,
                format!(
                    "the impl's default has `{check}`, and this attribute replaces the default whole: repeat \
                     it here, or drop it by name with `{dropped}`"
                ),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn an_attribute_that_is_read_again_is_another() {
        let tokens = quote!(scheme = "bearer");
        let first = id(&tokens, Span::call_site());
        assert_ne!(first, id(&tokens, Span::call_site()));
        assert_ne!(first, id(&quote!(scheme = "basic"), Span::call_site()));
    }
}
