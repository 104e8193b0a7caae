//! What the front door needs of an impl: its table, and the plan of each method.

use std::{collections::HashMap, rc::Rc};

use heck::ToUpperCamelCase;
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{
    Attribute, ExprPath, FnArg, GenericParam, ImplItem, ImplItemFn, ItemImpl, LitStr, Path, Type,
    TypeParamBound, WherePredicate, parse_quote,
};

use crate::expand::evaluator::{self as plan, Door};
use crate::expand::handler_check::header_checks;
use crate::expand::shared_evaluator as policed;
use crate::model::policy::Policy;
use crate::parse::schemes::Combinator;
use crate::syntax::hygiene::self_at;
use crate::syntax::text;

/// One method of the table.
pub(crate) struct Entry {
    pub(crate) key: u32,
    pub(crate) function: String,
    /// The name of the remote procedure, as the attribute says it.
    pub(crate) rpc: Option<LitStr>,
    /// The same or, where it says none, what the function's name tells of it.
    pub(crate) rpc_name: String,
    /// The `cfg`s of the method: what is compiled out has no entry.
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) access: Access,
    /// What methods share that have one access, identity and `cfg`s.
    pub(crate) number: u64,
}

#[allow(clippy::large_enum_variant, reason = "one per method, while compiling")]
pub(crate) enum Access {
    Guarded { policy: Rc<Policy>, identity: Option<Type> },
    Anonymous { reason: LitStr },
}

/// How the impl and the generated server belong together.
pub(crate) struct Wiring {
    pub(crate) service: Option<LitStr>,
    pub(crate) server: Option<Path>,
    pub(crate) krate: Path,
}

impl Entry {
    pub(crate) fn new(
        key: u32,
        function: String,
        rpc: Option<LitStr>,
        cfgs: Vec<Attribute>,
        access: Access,
        number: u64,
    ) -> Self {
        let rpc_name = match &rpc {
            Some(rpc) => rpc.value(),
            None => function.to_upper_camel_case(),
        };
        Entry { key, function, rpc, rpc_name, cfgs, access, number }
    }
}

/// The impl of `Guarded` for the service.
//
// Output:
//     const _: () = {
//         pub struct Marker;
//         const ACCESS_0: Access = ..;
//         impl<T: Store, S> Guarded<Marker, S> for Server<T> {
//             const WIRING: Wiring = Wiring { service: .., methods: &[..] };
//             fn a_method() -> Option<&'static str> { Some(type_name_of_val(&<Self as Orders>::list)) }
//             async fn visit<V: Visit>(&self, method: u32, visitor: V) -> V::Output {
//                 match method {
//                     0u32 | 2u32 => visitor.plan(POLICY, PLAN).await,
//                     1u32 => visitor.anonymous(),
//                     _ => visitor.unknown(),
//                 }
//             }
//         }
//     };
pub(crate) fn expand(
    item: &ItemImpl,
    trait_path: &Path,
    entries: &[Entry],
    wiring: &Wiring,
) -> TokenStream {
    let krate = &wiring.krate;
    let site = Span::mixed_site();
    let cfgs = cfgs(&item.attrs);
    let server: Type = match &wiring.server {
        Some(server) => {
            let self_ty = &item.self_ty;
            parse_quote!(#server<#self_ty>)
        }
        None => parse_quote!(__Server),
    };
    let mut generics = item.generics.clone();
    if wiring.server.is_none() {
        generics.params.push(parse_quote!(__Server));
        let bound = parse_quote!(__Server: #krate::__private::Serves);
        generics.make_where_clause().predicates.push(bound);
    }
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let self_ty = &item.self_ty;
    let named = named(trait_path, wiring);
    let a_method = a_method(item, trait_path, krate);
    let mut accesses = Accesses::default();
    let methods: Vec<_> =
        entries.iter().map(|entry| method_policy(entry, &mut accesses, krate)).collect();
    let accesses = accesses.consts;
    // `self` in the plans means this function's receiver.
    let receiver = quote_spanned!(site=> self);
    let distinct = distinct(entries);
    let policed = distinct.iter().map(|(entry, _)| policed(entry, item, krate));
    let arms = distinct.iter().map(|(entry, keys)| arm(entry, keys, krate, site));
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
            // `pub`, though nobody can name it: the type of `guard(..)` mentions it, and `guard` is
            // mostly called in another module or crate than the one that holds the impl.
            pub struct __Marker;

            #(#accesses)*

            #(#policed)*

            #[automatically_derived]
            impl #impl_generics #krate::__private::Guarded<__Marker, #server> for #self_ty #where_clause {
                const WIRING: #krate::__private::Wiring = #krate::__private::Wiring {
                    service: #named,
                    methods: &[#(#methods,)*],
                };

                fn a_method() -> #krate::__private::Option<&'static #krate::__private::str> {
                    #a_method
                }

                async fn visit<__V: #krate::__private::Visit>(
                    &#receiver,
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

fn named(trait_path: &Path, wiring: &Wiring) -> TokenStream {
    let krate = &wiring.krate;
    match &wiring.service {
        Some(service) => quote!(#krate::__private::Named::Service(#service)),
        None => {
            let name = trait_path.segments.last().map(|segment| segment.ident.to_string());
            let name = name.unwrap_or_default();
            quote!(#krate::__private::Named::Trait(#name))
        }
    }
}

/// One of the trait's methods by its path: of those that have one type whatever calls them, and that no
/// `cfg` takes out.
fn a_method(item: &ItemImpl, trait_path: &Path, krate: &Path) -> TokenStream {
    let functions = || {
        item.items.iter().filter_map(|inner| match inner {
            ImplItem::Fn(function) if has_one_type(function) => Some(function),
            _ => None,
        })
    };
    let candidates = match functions().find(|function| cfgs(&function.attrs).next().is_none()) {
        Some(always_there) => vec![always_there],
        None => functions().collect(),
    };
    let found = candidates.into_iter().map(|function| {
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
        #(#found)*
        #krate::__private::Option::None
    }
}

/// Of these attributes those that may take their item out.
pub(crate) fn cfgs(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"))
}

fn has_one_type(function: &ImplItemFn) -> bool {
    let generics = &function.sig.generics;
    let is_impl = |input: &FnArg| match input {
        FnArg::Typed(typed) => says_impl(typed.ty.to_token_stream()),
        FnArg::Receiver(_) => false,
    };
    // async_trait writes lifetimes and where clauses of its own, which every impl proves.
    let of_lifetimes = |predicate: &WherePredicate| match predicate {
        WherePredicate::Lifetime(_) => true,
        WherePredicate::Type(bounded) => {
            bounded.bounds.iter().all(|bound| matches!(bound, TypeParamBound::Lifetime(_)))
        }
        _ => false,
    };
    generics.params.iter().all(|generic| matches!(generic, GenericParam::Lifetime(_)))
        && generics.where_clause.iter().flat_map(|clause| &clause.predicates).all(of_lifetimes)
        && !function.sig.inputs.iter().any(is_impl)
}

fn says_impl(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "impl",
        TokenTree::Group(group) => says_impl(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

fn method_policy(entry: &Entry, accesses: &mut Accesses, krate: &Path) -> TokenStream {
    let Entry { key, function, rpc_name, cfgs, .. } = entry;
    let given = entry.rpc.is_some();
    let access = match &entry.access {
        Access::Anonymous { reason } => {
            quote!(#krate::__private::Access::Anonymous { reason: #reason })
        }
        Access::Guarded { policy, .. } => accesses.of(policy, krate).into_token_stream(),
    };
    quote! {
        #(#cfgs)* #krate::__private::MethodPolicy::new(#key, #function, #rpc_name, #given, #access)
    }
}

/// What the table says of the policies, each once: a default over 400 methods is written out one time.
#[derive(Default)]
struct Accesses {
    names: HashMap<u64, Ident>,
    consts: Vec<TokenStream>,
}

impl Accesses {
    /// The name of the constant that holds what `policy` says.
    fn of(&mut self, policy: &Policy, krate: &Path) -> Ident {
        if let Some(name) = self.names.get(&policy.id) {
            return name.clone();
        }
        let name = format_ident!("__ACCESS_{}", self.consts.len(), span = Span::mixed_site());
        let checks = checks(policy, krate);
        let kind = match policy.schemes.combinator {
            Combinator::Optional => quote!(Optional),
            Combinator::OneOf | Combinator::AllOf => quote!(Authenticated),
        };
        self.consts.push(quote! {
            const #name: #krate::__private::Access = #krate::__private::Access::#kind(#checks);
        });
        self.names.insert(policy.id, name.clone());
        name
    }
}

fn checks(policy: &Policy, krate: &Path) -> TokenStream {
    let combinator = match policy.schemes.combinator {
        Combinator::AllOf => quote!(AllOf),
        Combinator::OneOf | Combinator::Optional => quote!(OneOf),
    };
    let schemes = policy.schemes.leaves.iter().map(|leaf| leaf.text());
    let scopes = &policy.scopes;
    let roles = policy.roles.iter().map(text::of);
    let path = |path: &Option<ExprPath>| match path {
        Some(path) => {
            let path = text::of(path);
            quote!(#krate::__private::Option::Some(#path))
        }
        None => quote!(#krate::__private::Option::None),
    };
    let (authorize, authorize_request) = (path(&policy.authorize), path(&policy.authorize_request));
    quote! {
        #krate::__private::Checks::new(
            #krate::__private::Combinator::#combinator,
            &[#(#schemes),*],
            &[#(#scopes),*],
            &[#(#roles),*],
            #authorize,
            #authorize_request,
        )
    }
}

/// The methods that share a policy, an identity and their `cfg`s: the first of them, and the keys of all.
fn distinct(entries: &[Entry]) -> Vec<(&Entry, Vec<u32>)> {
    let mut distinct: Vec<(&Entry, Vec<u32>)> = Vec::new();
    let mut places = HashMap::new();
    for entry in entries {
        let place = *places.entry(entry.number).or_insert(distinct.len());
        match distinct.get_mut(place) {
            Some((_, keys)) => keys.push(entry.key),
            None => distinct.push((entry, vec![entry.key])),
        }
    }
    distinct
}

/// What the methods with this one's number share, beside the impl.
fn policed(entry: &Entry, item: &ItemImpl, krate: &Path) -> TokenStream {
    let Entry { cfgs, access, number, .. } = entry;
    match access {
        Access::Guarded { policy, identity } if policy.is_shared() => {
            let policed = policed::expand(item, *number, policy, identity.as_ref(), krate);
            let checks = header_checks(policy, krate).map(|check| quote!(#(#cfgs)* #check));
            quote!(#(#checks)* #(#cfgs)* #policed)
        }
        Access::Guarded { .. } | Access::Anonymous { .. } => TokenStream::new(),
    }
}

/// One arm for the methods with these keys.
fn arm(entry: &Entry, keys: &[u32], krate: &Path, receiver: Span) -> TokenStream {
    let Entry { cfgs, access, number, .. } = entry;
    let visited = match access {
        Access::Anonymous { .. } => quote!(__visitor.anonymous()),
        Access::Guarded { policy, identity } => {
            let plan = if policy.is_shared() {
                let service = self_at(receiver, receiver);
                quote!(<Self as #krate::__private::Policed<#number, __Marker, _>>::plan(#service))
            } else {
                plan::expression(policy, identity.as_ref(), krate, receiver, Door::Front)
            };
            quote!(__visitor.plan(#number, #plan).await)
        }
    };
    quote!(#(#cfgs)* #(#keys)|* => #visited,)
}
