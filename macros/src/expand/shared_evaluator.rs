//! The evaluator that the methods with one policy and one type of identity share.
//!
//! The guard and the handler checks call the same expression. The compiler checks the default of an impl
//! once for all methods, and reports its errors once.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{ItemImpl, Path, Type, spanned::Spanned};

use crate::{
    expand::evaluator::{self, EvaluatedBy},
    model::policy::Policy,
    syntax::hygiene,
};

/// The impl of `SharedPolicy` for the methods with this id.
//
// Output:
//     impl<T: Store> SharedPolicy<7u64, Marker, Claims> for Server<T> {
//         fn evaluator(&self) -> impl Evaluator<Identity = Claims> {
//             one_of((scheme(Bearer::new()).by(&*self).check(),)).identity_as::<Claims>().build()
//         }
//     }
pub(super) fn expand(
    item: &ItemImpl,
    id: u64,
    policy: &Policy,
    identity: Option<&Type>,
    krate: &Path,
) -> TokenStream {
    let site = Span::mixed_site();
    let (impl_generics, _, where_clause) = item.generics.split_for_impl();
    let self_ty = &item.self_ty;
    let optional = policy.is_optional();
    let output = match identity {
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
    let by = EvaluatedBy::HandlerCheck;
    let mut evaluator = evaluator::expression(policy, identity, krate, site, by);
    if identity.is_none() && (optional || policy.custom_check().is_some()) {
        evaluator = quote!(#krate::__private::discard_identity(#evaluator));
    }
    // The hygiene of `self` in the evaluator is that of this function's receiver.
    let receiver = quote_spanned!(site=> self);
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::__private::SharedPolicy<#id, __Marker, #output> for #self_ty #where_clause {
            fn evaluator(&#receiver) -> impl #krate::__private::Evaluator<Identity = #output> {
                #evaluator
            }
        }
    }
}
