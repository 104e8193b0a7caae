//! What the methods of an impl share that have one policy and one type of identity.
//!
//! Its plan is one expression, for both doors. A default over 400 methods is checked once by the
//! compiler, and its mistakes are told once.

use std::hash::{DefaultHasher, Hash, Hasher};

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Attribute, ItemImpl, Path, Type, spanned::Spanned};

use crate::expand::evaluator::{self as plan, Door};
use crate::model::policy::Policy;
use crate::parse::schemes::Combinator;
use crate::syntax::hygiene;
use crate::syntax::text;

/// The number of what holds for a method: two numbers where policy, identity or `cfg`s differ.
pub(crate) fn number(policy: Option<&Policy>, identity: Option<&Type>, cfgs: &[Attribute]) -> u64 {
    let mut hasher = DefaultHasher::new();
    policy.map(|policy| policy.id).hash(&mut hasher);
    identity.map(text::of).hash(&mut hasher);
    cfgs.iter().map(text::of).collect::<Vec<_>>().hash(&mut hasher);
    hasher.finish()
}

/// The impl of `Policed` for what has the number `number`.
//
// Output:
//     impl<T: Store> Policed<7u64, Marker, Claims> for Server<T> {
//         fn plan(&self) -> impl Plan<Identity = Claims> {
//             one_of((scheme(Bearer::new()).by(&*self).leaf(),)).kept_as::<Claims>().ready()
//         }
//     }
pub(crate) fn expand(
    item: &ItemImpl,
    number: u64,
    policy: &Policy,
    identity: Option<&Type>,
    krate: &Path,
) -> TokenStream {
    let site = Span::mixed_site();
    let (impl_generics, _, where_clause) = item.generics.split_for_impl();
    let self_ty = &item.self_ty;
    let optional = policy.schemes.combinator == Combinator::Optional;
    let kept = match identity {
        Some(ty) if optional => {
            let span = ty.span().resolved_at(site);
            let krate = hygiene::at(span, krate);
            quote_spanned! {span=>
                #krate::__private::Option<<#ty as #krate::__private::OptionalIdentity>::Inner>
            }
        }
        Some(ty) => quote!(#ty),
        None => quote!(()),
    };
    let mut plan = plan::expression(policy, identity, krate, site, Door::Own);
    if identity.is_none() && (optional || policy.own_check().is_some()) {
        plan = quote!(#krate::__private::discard(#plan));
    }
    // `self` in the plan means this function's receiver.
    let receiver = quote_spanned!(site=> self);
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::__private::Policed<#number, __Marker, #kept> for #self_ty #where_clause {
            fn plan(&#receiver) -> impl #krate::__private::Plan<Identity = #kept> {
                #plan
            }
        }
    }
}
