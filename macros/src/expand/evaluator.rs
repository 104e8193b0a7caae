//! A policy as an expression of the runtime: the same for both doors.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{ExprPath, Path, Type, spanned::Spanned};

use crate::model::policy::Policy;
use crate::parse::schemes::{Combinator, Leaf, Value};
use crate::syntax::hygiene::{self, resolve_self, self_at};

/// For which door a plan is. A method's own door comes with every policy: what it tells of a mistake
/// needs no second telling.
#[derive(Clone, Copy)]
pub(crate) enum Door {
    Own,
    Front,
}

/// `policy` as an expression, in a function whose receiver is `receiver` and whose identity has the
/// type `identity`.
//
// Input:
//     scheme = one_of("api-key", Mtls::new() via self.mesh), scopes("a"), authorize = Self::quota
// Output:
//     authorize(
//         one_of((
//             scheme(ApiKey::new()).by(&*self).leaf().require(Scopes(&["a"])),
//             scheme(Mtls::new()).by(&self.mesh).leaf().require(Scopes(&["a"])),
//         )).kept_as::<Partner>().ready(),
//         &*self,
//         |service, identity, head| Box::pin(async move {
//             IntoCheckResult::into_check_result(Self::quota(service, identity, head).await)
//         }),
//     )
pub(crate) fn expression(
    policy: &Policy,
    identity: Option<&Type>,
    krate: &Path,
    receiver: Span,
    door: Door,
) -> TokenStream {
    let schemes = &policy.schemes;
    let leaves = schemes.leaves.iter().enumerate().map(|(at, leaf)| {
        // Scopes and roles are asked of each alternative, and of the first of `all_of`.
        let asked = schemes.combinator != Combinator::AllOf || at == 0;
        let leaf = self::leaf(leaf, krate, receiver);
        let requirements = asked.then(|| requirements(policy, krate, receiver));
        quote!(#leaf #requirements)
    });
    let span = schemes.span.resolved_at(Span::mixed_site());
    let combinator = match schemes.combinator {
        Combinator::AllOf => quote_spanned!(span=> all_of),
        Combinator::OneOf | Combinator::Optional => quote_spanned!(span=> one_of),
    };
    let keep = keep(policy, identity, krate, door);
    let at_scheme = hygiene::at(span, krate);
    let plan = quote_spanned!(span=> #at_scheme::__private::#combinator((#(#leaves,)*)) #keep);
    match &policy.authorize {
        None => plan,
        Some(path) => {
            let service = self_at(path.span(), receiver);
            let check = check(path, krate, receiver);
            quote!(#krate::__private::authorize(#plan, &*#service, #check))
        }
    }
}

/// A check of the user's own as a function that boxes its future. It captures nothing, so it is one
/// type for both doors; and it is a plain call, so a wrong signature is one plain error.
pub(crate) fn check(path: &ExprPath, krate: &Path, receiver: Span) -> TokenStream {
    let called =
        path.path.segments.last().map_or_else(Span::call_site, |segment| segment.ident.span());
    let span = called.resolved_at(Span::mixed_site());
    let path = resolve_self(quote!(#path), receiver);
    let krate = hygiene::at(span, krate);
    quote_spanned! {span=>
        |__service, __identity, __subject| #krate::__private::Box::pin(async move {
            #krate::__private::IntoCheckResult::into_check_result(
                #path(__service, __identity, __subject).await
            )
        })
    }
}

fn leaf(leaf: &Leaf, krate: &Path, receiver: Span) -> TokenStream {
    let span = leaf.span().resolved_at(Span::mixed_site());
    let krate = hygiene::at(span, krate);
    let value = match &leaf.value {
        Value::Word(word, _) => {
            let name = word.type_name(span);
            quote_spanned!(span=> #krate::__private::#name::new())
        }
        Value::Expr(expr) => resolve_self(quote!(#expr), receiver),
    };
    let declared = quote_spanned!(span=> #krate::__private::scheme(#value));
    match &leaf.via {
        None => {
            let service = self_at(leaf.span(), receiver);
            quote_spanned!(span=> #declared.by(&*#service).leaf())
        }
        Some(via) => {
            let span = via.span().resolved_at(Span::mixed_site());
            let authenticator = resolve_self(quote!(#via), receiver);
            // A place is borrowed; what a call returns is taken along, or it would be gone too soon.
            if is_place(via) {
                quote_spanned!(span=> #declared.by(&#authenticator).leaf())
            } else {
                quote_spanned!(span=> #declared.by_value(#authenticator).leaf())
            }
        }
    }
}

fn is_place(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Path(_) | syn::Expr::Field(_) | syn::Expr::Index(_) | syn::Expr::Unary(_) => {
            true
        }
        syn::Expr::Paren(inner) => is_place(&inner.expr),
        syn::Expr::Group(inner) => is_place(&inner.expr),
        _ => false,
    }
}

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

/// What becomes of the identity: the parameter's type, its own where a check reads it, else nothing.
fn keep(policy: &Policy, identity: Option<&Type>, krate: &Path, door: Door) -> TokenStream {
    let optional = policy.schemes.combinator == Combinator::Optional;
    match identity {
        Some(ty) => {
            let span = ty.span().resolved_at(Span::mixed_site());
            let kept_as = match door {
                Door::Own => quote_spanned!(span=> kept_as),
                Door::Front => quote_spanned!(span=> kept_as_again),
            };
            if optional {
                let krate = hygiene::at(span, krate);
                let inner =
                    quote_spanned!(span=> <#ty as #krate::__private::OptionalIdentity>::Inner);
                quote_spanned!(span=> .#kept_as::<#inner>().ready().optional())
            } else {
                quote_spanned!(span=> .#kept_as::<#ty>().ready())
            }
        }
        None => {
            let keep =
                if policy.own_check().is_some() { quote!(.kept()) } else { quote!(.dropped()) };
            let optional = optional.then(|| quote!(.optional()));
            quote!(#keep.ready() #optional)
        }
    }
}
