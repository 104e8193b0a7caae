//! A custom check as a closure that boxes the future of the user's check.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{ExprClosure, ExprPath, Path, spanned::Spanned};

use crate::{
    parse::custom_check::CustomCheck,
    syntax::hygiene::{self, resolve_self},
};

/// The closure captures nothing, so it coerces to a function pointer. It contains the user's call itself, so
/// that a wrong signature is one plain error.
pub(super) fn expand(
    check: &CustomCheck,
    output: CheckOutput,
    krate: &Path,
    receiver: Span,
) -> TokenStream {
    match check {
        CustomCheck::Path(path) => of_path(path, output, krate, receiver),
        CustomCheck::Closure(closure) => of_closure(closure, output, krate),
    }
}

/// What a check returns beside an error.
#[derive(Clone, Copy)]
pub(super) enum CheckOutput {
    /// `()`, for `authorize` and `authorize_request`.
    Unit,
    /// The value of an `#[authorized(..)]` parameter.
    Value,
}

impl CheckOutput {
    /// The function of the runtime that converts the user's result.
    fn conversion(self, span: Span) -> TokenStream {
        match self {
            CheckOutput::Unit => quote_spanned!(span=> IntoCheckResult::into_check_result),
            CheckOutput::Value => quote_spanned!(span=> IntoCheckedValue::into_checked_value),
        }
    }
}

// Input:
//     Self::quota
// Output:
//     |service, identity, subject| Box::pin(async move {
//         IntoCheckResult::into_check_result(Self::quota(service, identity, subject).await)
//     })
fn of_path(path: &ExprPath, output: CheckOutput, krate: &Path, receiver: Span) -> TokenStream {
    let name =
        path.path.segments.last().map_or_else(Span::call_site, |segment| segment.ident.span());
    let span = name.resolved_at(Span::mixed_site());
    let path = resolve_self(quote!(#path), receiver);
    let krate = hygiene::at(span, krate);
    let conversion = output.conversion(span);
    quote_spanned! {span=>
        |__service, __identity, __subject| #krate::__private::Box::pin(async move {
            #krate::__private::#conversion(
                #path(__service, __identity, __subject).await
            )
        })
    }
}

// Input:
//     |caller, request| self.of_tenant(caller, request.get_ref().tenant)
// Output:
//     |service, identity, subject| Box::pin(async move {
//         let caller = identity;
//         let request = subject;
//         IntoCheckResult::into_check_result((service.of_tenant(caller, request.get_ref().tenant)).await)
//     })
fn of_closure(closure: &ExprClosure, output: CheckOutput, krate: &Path) -> TokenStream {
    let body = &closure.body;
    let span = body.span().resolved_at(Span::mixed_site());
    let krate = hygiene::at(span, krate);
    let conversion = output.conversion(span);
    let mut parameters = closure.inputs.iter();
    let (identity, subject) = (parameters.next(), parameters.next());
    let mut future = Group::new(Delimiter::Parenthesis, service_for_self(body.to_token_stream()));
    // The lint `unused_parens` skips what a macro has written.
    future.set_span(span);
    quote_spanned! {span=>
        |__service, __identity, __subject| #krate::__private::Box::pin(async move {
            let #identity = __identity;
            let #subject = __subject;
            #krate::__private::#conversion(#future.await)
        })
    }
}

/// Replaces each `self` by the closure's parameter, at its location: a closure that names `self` itself would
/// capture it, and be no function pointer.
fn service_for_self(tokens: TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Ident(ident) if ident == "self" => {
                let span = ident.span().resolved_at(Span::mixed_site());
                Ident::new("__service", span).into()
            }
            TokenTree::Group(group) => {
                let mut replaced = Group::new(group.delimiter(), service_for_self(group.stream()));
                replaced.set_span(group.span());
                replaced.into()
            }
            other => other,
        })
        .collect()
}
