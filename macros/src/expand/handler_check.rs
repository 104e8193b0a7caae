//! The handler check: the call at the top of a method's body that evaluates its policy.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Block, Expr, ExprBlock, Path, Stmt, spanned::Spanned, token::Brace};

use crate::{
    expand::{
        authorized,
        custom_check::{self, CheckOutput},
        evaluator::{self, EvaluatedBy},
        header_const, rejected,
    },
    model::policy::Policy,
    parse::method::Method,
    syntax::{
        hygiene::{self, self_at},
        names::{contains_keyword, function_name},
    },
};

/// Where the evaluator of a handler check is, and its id.
#[derive(Clone, Copy)]
pub(super) enum EvaluatorSource {
    /// Written out in the method.
    Inline(u64),
    /// Shared by all methods with the same policy, which this id identifies.
    Shared(u64),
}

/// Inserts the handler check of `policy` into `method`.
//
// Input:
//     async fn list(&self, request: Request<L>, #[identity] caller: Claims) -> Result<R, Status> { .. }
// Output:
//     async fn list(&self, request: Request<L>) -> Result<R, Status> {
//         statement! {
//             let caller: Claims =
//                 match <Self as SharedPolicy<7u64, _, _>>::check_call(&*self, "list", call_head(&request)).await {
//                     Ok(identity) => identity,
//                     Err(status) => return HandlerOutput::rejected(status),
//                 };
//         }
//         { .. }
//     }
//
// An inline evaluator is an argument of the call: `check_call(&*self, MethodId { .. }, || EVALUATOR, call_head(&request))`.
pub(super) fn insert(
    method: &mut Method,
    policy: &Policy,
    source: EvaluatorSource,
    krate: &Path,
) -> syn::Result<()> {
    let mut check = match source {
        EvaluatorSource::Inline(_) => header_const::expand(policy, krate).collect(),
        EvaluatorSource::Shared(_) => TokenStream::new(),
    };
    let statement = statement(method, policy, source, krate);
    match source {
        // async_trait visits every expression of a body, which takes time. In the tokens of a macro call it
        // replaces only `self`, and not even that if they contain `fn`.
        EvaluatorSource::Shared(_) if !contains_fn(&statement) => {
            check.extend(quote!(#krate::__private::statement! { #statement }));
        }
        EvaluatorSource::Inline(_) | EvaluatorSource::Shared(_) => check.extend(statement),
    }
    let body = method.body()?;
    // The check precedes every statement of the user. These move into a block: items in the body would
    // otherwise be in scope in the check, and could shadow names that mean something else in the guard.
    let stmts = std::mem::take(&mut body.stmts);
    let block = Block { brace_token: Brace(Span::mixed_site()), stmts };
    let user = ExprBlock { attrs: Vec::new(), label: None, block };
    // Verbatim, because parsing the generated tokens would take longer than generating them.
    body.stmts = vec![Stmt::Expr(Expr::Verbatim(check), None), Stmt::Expr(Expr::Block(user), None)];
    Ok(())
}

fn contains_fn(statement: &TokenStream) -> bool {
    contains_keyword(statement.clone(), "fn")
}

/// The call that evaluates the policy: a future of the identity, or of the status of the rejection.
fn evaluation(
    method: &Method,
    policy: &Policy,
    source: EvaluatorSource,
    krate: &Path,
) -> TokenStream {
    let name = function_name(&method.item.sig.ident);
    let request = &method.request;
    let site = Span::mixed_site();
    let service = self_at(site, method.receiver);
    let head = || {
        let location = request.span().resolved_at(site);
        let krate = hygiene::at(location, krate);
        quote_spanned!(location=> #krate::__private::call_head(&#request))
    };
    let id = match source {
        EvaluatorSource::Inline(id) => id,
        EvaluatorSource::Shared(id) => {
            let head = head();
            return quote_spanned! {site=>
                <Self as #krate::__private::SharedPolicy<#id, _, _>>::check_call(&*#service, #name, #head)
            };
        }
    };
    let ty = method.identity.as_ref().map(|identity| &identity.ty);
    let by = EvaluatedBy::HandlerCheck;
    let expression = evaluator::expression(policy, ty, krate, method.receiver, by);
    // A call with the handoff of a guard doesn't build it.
    let evaluator = quote_spanned!(site=> || #expression);
    let method_id = quote!(#krate::__private::MethodId { policy: #id, method: #name });
    match &policy.authorize_request {
        None => {
            let head = head();
            quote_spanned!(site=> #krate::__private::check_call(&*#service, #method_id, #evaluator, #head))
        }
        Some(check) => {
            let check = custom_check::expand(check, CheckOutput::Unit, krate, method.receiver);
            quote_spanned! {site=>
                #krate::__private::check_call_and_request(&*#service, #method_id, #evaluator, &#request, #check)
            }
        }
    }
}

/// The statement that binds the identity or returns the status of the rejection.
fn statement(
    method: &Method,
    policy: &Policy,
    source: EvaluatorSource,
    krate: &Path,
) -> TokenStream {
    let site = Span::mixed_site();
    let identity = method.identity.as_ref();
    let evaluation = evaluation(method, policy, source, krate);
    let rejected = rejected::expand(method, krate);
    let status = format_ident!("__status", span = site);
    match identity {
        Some(identity) => {
            let (pat, ty) = (&identity.pat, &identity.ty);
            let optional = policy.is_optional();
            // Located at the type: if it isn't an `Option`, the evaluator reports that there already, and the
            // compiler drops the second error at one location.
            let location = if optional { ty.span() } else { site };
            let admitted = format_ident!("__identity", span = location);
            let mut bound = quote!(#admitted);
            if optional {
                let at_type = hygiene::at(location, krate);
                bound = quote_spanned! {location=>
                    <#ty as #at_type::__private::OptionalIdentity>::from_option(#bound)
                };
            }
            if !method.authorized.is_empty() {
                let identity = format_ident!("__admitted_identity", span = site);
                let parameters = authorized::statements(method, &identity, &rejected, krate);
                return quote! {
                    let #identity: #ty = match #evaluation.await {
                        #krate::__private::Result::Ok(#admitted) => #bound,
                        #krate::__private::Result::Err(#status) => return #rejected(#status),
                    };
                    #parameters
                    let #pat: #ty = #identity;
                };
            }
            quote! {
                let #pat: #ty = match #evaluation.await {
                    #krate::__private::Result::Ok(#admitted) => #bound,
                    #krate::__private::Result::Err(#status) => return #rejected(#status),
                };
            }
        }
        None => quote! {
            if let #krate::__private::Result::Err(#status) = #evaluation.await {
                return #rejected(#status);
            }
        },
    }
}
