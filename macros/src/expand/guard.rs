//! The impl of `Guarded`, from which the guard takes the policy table and the evaluator of each method.

use std::collections::HashMap;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    FnArg, GenericParam, ImplItem, ImplItemFn, ItemImpl, LitStr, Path, Type, TypeParamBound,
    WherePredicate, parse_quote,
};

use crate::{
    expand::{
        evaluator::{self, EvaluatedBy},
        header_const,
        policy_table::PolicyTable,
        shared_evaluator,
    },
    model::method_policy::{Access, MethodPolicy},
    syntax::{
        hygiene::self_at,
        names::{cfgs, contains_keyword},
    },
};

/// The arguments of the impl's attribute that connect it to the generated server and to the runtime.
pub(super) struct ServerBinding {
    pub(super) service: Option<LitStr>,
    pub(super) server: Option<Path>,
    pub(super) krate: Path,
}

/// The impl of `Guarded` for the service.
//
// Output:
//     const _: () = {
//         pub struct Marker;
//         const ACCESS_0: Access = ..;
//         impl<T: Store, S> Guarded<Marker, S> for Server<T> {
//             const BINDING: ServerBinding = ServerBinding { service: .., methods: &[..] };
//             fn method_type_name() -> Option<&'static str> { Some(type_name_of_val(&<Self as Orders>::list)) }
//             fn visit<'s, V: PolicyVisitor<'s>>(&'s self, method: u32, visitor: V) -> V::Output {
//                 match method {
//                     0u32 | 2u32 => visitor.evaluator(POLICY, EVALUATOR),
//                     1u32 => visitor.anonymous(),
//                     _ => visitor.unknown(),
//                 }
//             }
//         }
//     };
pub(super) fn expand(
    item: &ItemImpl,
    trait_path: &Path,
    methods: &[MethodPolicy],
    binding: &ServerBinding,
) -> TokenStream {
    let krate = &binding.krate;
    let site = Span::mixed_site();
    let cfgs = cfgs(&item.attrs);
    let server: Type = match &binding.server {
        Some(server) => {
            let self_ty = &item.self_ty;
            parse_quote!(#server<#self_ty>)
        }
        None => parse_quote!(__Server),
    };
    let mut generics = item.generics.clone();
    if binding.server.is_none() {
        generics.params.push(parse_quote!(__Server));
        let bound = parse_quote!(__Server: #krate::__private::GuardableServer);
        generics.make_where_clause().predicates.push(bound);
    }
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let self_ty = &item.self_ty;
    let service_name = service_name(trait_path, binding);
    let method_type_name = method_type_name(item, trait_path, krate);
    let PolicyTable { consts, rows } = PolicyTable::new(methods, krate);
    // The hygiene of `self` in the evaluators is that of this function's receiver.
    let receiver = quote_spanned!(site=> self);
    let groups = group_by_evaluator(methods);
    let shared_evaluators = groups.iter().map(|(method, _)| shared_items(method, item, krate));
    let arms = groups.iter().map(|(method, indices)| arm(method, indices, krate, site));
    quote! {
        #(#cfgs)*
        #[doc(hidden)]
        #[allow(
            dead_code,
            deprecated,
            missing_debug_implementations,
            missing_docs,
            non_local_definitions,
            unnameable_types,
            unreachable_code,
            unreachable_pub,
            clippy::all,
            clippy::pedantic,
            clippy::restriction
        )]
        const _: () = {
            // `pub`, although no path leads to it: it is part of the type of `guard(..)`, which is
            // usually called in another module or crate.
            pub struct __Marker;

            #(#consts)*

            #(#shared_evaluators)*

            #[automatically_derived]
            impl #impl_generics #krate::__private::Guarded<__Marker, #server> for #self_ty #where_clause {
                const BINDING: #krate::__private::ServerBinding = #krate::__private::ServerBinding {
                    service: #service_name,
                    methods: &[#(#rows,)*],
                };

                fn method_type_name() -> #krate::__private::Option<&'static #krate::__private::str> {
                    #method_type_name
                }

                fn visit<'__s, __V: #krate::__private::PolicyVisitor<'__s>>(
                    &'__s #receiver,
                    __method: u32,
                    __visitor: __V,
                ) -> __V::Output {
                    match __method {
                        #(#arms)*
                        _ => __visitor.unknown(),
                    }
                }
            }
        };
    }
}

/// The service's full name or, without the argument `service`, the name of the trait.
fn service_name(trait_path: &Path, binding: &ServerBinding) -> TokenStream {
    let krate = &binding.krate;
    match &binding.service {
        Some(service) => quote!(#krate::__private::ServiceName::Full(#service)),
        None => {
            let name = trait_path.segments.last().map(|segment| segment.ident.to_string());
            let name = name.unwrap_or_default();
            quote!(#krate::__private::ServiceName::Trait(#name))
        }
    }
}

/// The type name of a non-generic method of the trait. Prefers a method without `cfg`.
fn method_type_name(item: &ItemImpl, trait_path: &Path, krate: &Path) -> TokenStream {
    let functions = || {
        item.items.iter().filter_map(|inner| match inner {
            ImplItem::Fn(function) if has_one_type(function) => Some(function),
            _ => None,
        })
    };
    let candidates = match functions().find(|function| cfgs(&function.attrs).next().is_none()) {
        Some(unconditional) => vec![unconditional],
        None => functions().collect(),
    };
    let returns = candidates.into_iter().map(|function| {
        let (cfgs, name) = (cfgs(&function.attrs), &function.sig.ident);
        quote! {
            #(#cfgs)*
            {
                return #krate::__private::Option::Some(
                    #krate::__private::type_name_of_val(&<Self as #trait_path>::#name),
                );
            }
        }
    });
    quote! {
        #(#returns)*
        #krate::__private::Option::None
    }
}

/// Returns whether a method isn't generic, apart from lifetimes.
fn has_one_type(function: &ImplItemFn) -> bool {
    let generics = &function.sig.generics;
    let is_impl = |input: &FnArg| match input {
        FnArg::Typed(typed) => contains_keyword(typed.ty.to_token_stream(), "impl"),
        FnArg::Receiver(_) => false,
    };
    // async_trait adds lifetimes and bounds on them, which hold for every impl.
    let is_on_lifetimes = |predicate: &WherePredicate| match predicate {
        WherePredicate::Lifetime(_) => true,
        WherePredicate::Type(bounded) => {
            bounded.bounds.iter().all(|bound| matches!(bound, TypeParamBound::Lifetime(_)))
        }
        _ => false,
    };
    generics.params.iter().all(|generic| matches!(generic, GenericParam::Lifetime(_)))
        && generics.where_clause.iter().flat_map(|clause| &clause.predicates).all(is_on_lifetimes)
        && !function.sig.inputs.iter().any(is_impl)
}

/// The methods that share an evaluator: the first of them, and the indices of all.
fn group_by_evaluator(methods: &[MethodPolicy]) -> Vec<(&MethodPolicy, Vec<u32>)> {
    let mut groups: Vec<(&MethodPolicy, Vec<u32>)> = Vec::new();
    let mut positions = HashMap::new();
    for method in methods {
        let position = *positions.entry(method.evaluator_id).or_insert(groups.len());
        match groups.get_mut(position) {
            Some((_, indices)) => indices.push(method.index),
            None => groups.push((method, vec![method.index])),
        }
    }
    groups
}

/// The evaluator that `method` shares with others, beside the impl.
fn shared_items(method: &MethodPolicy, item: &ItemImpl, krate: &Path) -> TokenStream {
    let MethodPolicy { cfgs, access, evaluator_id, .. } = method;
    match access {
        Access::Guarded { policy, identity, .. } if policy.is_shared() => {
            let evaluator =
                shared_evaluator::expand(item, *evaluator_id, policy, identity.as_ref(), krate);
            let headers = header_const::expand(policy, krate).map(|item| quote!(#(#cfgs)* #item));
            quote!(#(#headers)* #(#cfgs)* #evaluator)
        }
        Access::Guarded { .. } | Access::Anonymous { .. } | Access::Denied { .. } => {
            TokenStream::new()
        }
    }
}

/// One arm of `visit`, for the methods with these indices.
fn arm(method: &MethodPolicy, indices: &[u32], krate: &Path, receiver: Span) -> TokenStream {
    let MethodPolicy { cfgs, access, evaluator_id, .. } = method;
    let visit = match access {
        Access::Anonymous { .. } => quote!(__visitor.anonymous()),
        Access::Denied { .. } => quote!(__visitor.denied()),
        Access::Guarded { policy, identity, .. } => {
            let evaluator = if policy.is_shared() {
                let service = self_at(receiver, receiver);
                quote!(<Self as #krate::__private::SharedPolicy<#evaluator_id, __Marker, _>>::evaluator(#service))
            } else {
                let identity = identity.as_ref();
                evaluator::expression(policy, identity, krate, receiver, EvaluatedBy::Guard)
            };
            quote!(__visitor.evaluator(#evaluator_id, #evaluator))
        }
    };
    quote!(#(#cfgs)* #(#indices)|* => #visit,)
}
