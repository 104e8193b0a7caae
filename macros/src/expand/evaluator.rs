//! The evaluator of a policy, as an expression of the runtime's typed builder.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Path, Type, spanned::Spanned};

use crate::{
    expand::custom_check::{self, CheckOutput},
    model::policy::Policy,
    parse::schemes::{Combinator, SchemeValue, SingleScheme},
    syntax::hygiene::{self, resolve_self, self_at},
};

/// Who calls the evaluator. A mistake in it is reported for the handler check, which is generated for every
/// policy. The guard's expression then compiles, so that the mistake isn't reported twice.
#[derive(Clone, Copy)]
pub(super) enum EvaluatedBy {
    HandlerCheck,
    Guard,
}

/// The evaluator of `policy`, for a function with the receiver `receiver`. `identity` is the type of the
/// `#[identity]` parameter.
//
// Input:
//     scheme = one_of("api-key", Mtls::new() via self.mesh), scopes("a"), authorize = Self::quota
// Output:
//     authorize(
//         one_of((
//             scheme(ApiKey::new()).by(&*self).check().require(Scopes(&["a"])),
//             scheme(Mtls::new()).by(&self.mesh).check().require(Scopes(&["a"])),
//         )).identity_as::<Partner>().build(),
//         &*self,
//         |service, identity, head| Box::pin(async move {
//             IntoCheckResult::into_check_result(Self::quota(service, identity, head).await)
//         }),
//     )
pub(super) fn expression(
    policy: &Policy,
    identity: Option<&Type>,
    krate: &Path,
    receiver: Span,
    by: EvaluatedBy,
) -> TokenStream {
    let schemes = &policy.schemes;
    let checks = schemes.list.iter().enumerate().map(|(index, scheme)| {
        // Scopes and roles are required of each alternative, and of the first identity of `all_of`.
        let is_required = schemes.combinator != Combinator::AllOf || index == 0;
        let check = scheme_check(scheme, krate, receiver);
        let requirements = is_required.then(|| requirements(policy, krate, receiver));
        quote!(#check #requirements)
    });
    let span = schemes.span.resolved_at(Span::mixed_site());
    let combinator = match schemes.combinator {
        Combinator::AllOf => quote_spanned!(span=> all_of),
        Combinator::OneOf | Combinator::Optional => quote_spanned!(span=> one_of),
    };
    let finish = finish(policy, identity, krate, by);
    let at_scheme = hygiene::at(span, krate);
    let evaluator =
        quote_spanned!(span=> #at_scheme::__private::#combinator((#(#checks,)*)) #finish);
    match &policy.authorize {
        None => evaluator,
        Some(check) => {
            let service = self_at(check.span(), receiver);
            let check = custom_check::expand(check, CheckOutput::Unit, krate, receiver);
            quote!(#krate::__private::authorize(#evaluator, &*#service, #check))
        }
    }
}

/// The check of one scheme, with its authenticator.
fn scheme_check(scheme: &SingleScheme, krate: &Path, receiver: Span) -> TokenStream {
    let span = scheme.span().resolved_at(Span::mixed_site());
    let krate = hygiene::at(span, krate);
    let value = match &scheme.value {
        SchemeValue::BuiltIn(scheme, _) => {
            let name = scheme.type_name(span);
            quote_spanned!(span=> #krate::__private::#name::new())
        }
        SchemeValue::Custom(expr) => resolve_self(quote!(#expr), receiver),
    };
    let builder = quote_spanned!(span=> #krate::__private::scheme(#value));
    match &scheme.via {
        None => {
            let service = self_at(scheme.span(), receiver);
            quote_spanned!(span=> #builder.by(&*#service).check())
        }
        Some(via) => {
            let span = via.span().resolved_at(Span::mixed_site());
            let authenticator = resolve_self(quote!(#via), receiver);
            // A place is borrowed. A temporary is moved, because it would be dropped too early.
            if is_place_expression(via) {
                quote_spanned!(span=> #builder.by(&#authenticator).check())
            } else {
                quote_spanned!(span=> #builder.by_value(#authenticator).check())
            }
        }
    }
}

fn is_place_expression(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Path(_) | syn::Expr::Field(_) | syn::Expr::Index(_) | syn::Expr::Unary(_) => {
            true
        }
        syn::Expr::Paren(inner) => is_place_expression(&inner.expr),
        syn::Expr::Group(inner) => is_place_expression(&inner.expr),
        _ => false,
    }
}

/// The scopes and roles as requirements of a scheme check.
fn requirements(policy: &Policy, krate: &Path, receiver: Span) -> TokenStream {
    let mut requirements = TokenStream::new();
    if let Some(first) = policy.scopes.first() {
        let span = first.span().resolved_at(Span::mixed_site());
        let scopes = &policy.scopes;
        let krate = hygiene::at(span, krate);
        requirements
            .extend(quote_spanned!(span=> .require(#krate::__private::Scopes(&[#(#scopes),*]))));
    }
    if let Some(first) = policy.roles.first() {
        let span = first.span().resolved_at(Span::mixed_site());
        let krate = hygiene::at(span, krate);
        let roles = policy.roles.iter().map(|role| resolve_self(quote!(#role), receiver));
        requirements
            .extend(quote_spanned!(span=> .require(#krate::__private::Roles([#(#roles),*]))));
    }
    requirements
}

/// Completes the builder with the identity that the evaluator returns: the type of the parameter, the
/// authenticator's type if a custom check reads it, and none otherwise.
fn finish(policy: &Policy, identity: Option<&Type>, krate: &Path, by: EvaluatedBy) -> TokenStream {
    let optional = policy.is_optional();
    match identity {
        Some(ty) => {
            let span = ty.span().resolved_at(Span::mixed_site());
            let identity_as = match by {
                EvaluatedBy::HandlerCheck => quote_spanned!(span=> identity_as),
                EvaluatedBy::Guard => quote_spanned!(span=> identity_as_repeated),
            };
            if optional {
                let krate = hygiene::at(span, krate);
                let inner =
                    quote_spanned!(span=> <#ty as #krate::__private::OptionalIdentity>::Inner);
                quote_spanned!(span=> .#identity_as::<#inner>().build().optional())
            } else {
                quote_spanned!(span=> .#identity_as::<#ty>().build())
            }
        }
        None => {
            let identity = if policy.custom_check().is_some() {
                quote!(.original_identity())
            } else {
                quote!(.no_identity())
            };
            let optional = optional.then(|| quote!(.optional()));
            quote!(#identity.build() #optional)
        }
    }
}
