//! The policy table of an impl, as constants.

use std::collections::HashMap;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::Path;

use crate::{
    model::{
        method_policy::{Access, MethodPolicy},
        policy::Policy,
    },
    parse::{
        custom_check::CustomCheck,
        schemes::{Combinator, SingleScheme},
    },
    syntax::text,
};

pub(super) struct PolicyTable {
    /// One constant for each policy, which any number of rows refer to.
    pub(super) consts: Vec<TokenStream>,
    /// One row for each method.
    pub(super) rows: Vec<TokenStream>,
}

impl PolicyTable {
    pub(super) fn new(methods: &[MethodPolicy], krate: &Path) -> Self {
        let mut consts = AccessConsts::default();
        let rows = methods.iter().map(|method| row(method, &mut consts, krate)).collect();
        PolicyTable { consts: consts.items, rows }
    }
}

fn row(method: &MethodPolicy, consts: &mut AccessConsts, krate: &Path) -> TokenStream {
    let MethodPolicy { index, function, rpc_name, cfgs, .. } = method;
    let has_rpc = method.rpc.is_some();
    let access = match &method.access {
        Access::Anonymous { reason } => {
            quote!(#krate::__private::Access::Anonymous { reason: #reason })
        }
        Access::Denied { reason } => {
            quote!(#krate::__private::Access::Denied { reason: #reason })
        }
        Access::Guarded { policy, .. } => consts.name(policy, krate).into_token_stream(),
    };
    let authorized = match &method.access {
        Access::Guarded { authorized, .. } if !authorized.is_empty() => {
            quote!(.with_authorized(&[#(#authorized),*]))
        }
        _ => TokenStream::new(),
    };
    quote! {
        #(#cfgs)* #krate::__private::MethodPolicy::new(#index, #function, #rpc_name, #has_rpc, #access) #authorized
    }
}

/// Constants for the policies by their ids.
#[derive(Default)]
struct AccessConsts {
    names: HashMap<u64, Ident>,
    items: Vec<TokenStream>,
}

impl AccessConsts {
    /// The name of the constant for `policy`.
    fn name(&mut self, policy: &Policy, krate: &Path) -> Ident {
        if let Some(name) = self.names.get(&policy.id) {
            return name.clone();
        }
        let name = format_ident!("__ACCESS_{}", self.items.len(), span = Span::mixed_site());
        let checks = checks(policy, krate);
        let kind = match policy.schemes.combinator {
            Combinator::Optional => quote!(Optional),
            Combinator::OneOf | Combinator::AllOf => quote!(Authenticated),
        };
        self.items.push(quote! {
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
    let schemes = policy.schemes.list.iter().map(SingleScheme::text);
    let scopes = &policy.scopes;
    let roles = policy.roles.iter().map(text::of);
    let check = |check: &Option<CustomCheck>| match check {
        Some(check) => {
            let text = check.text();
            quote!(#krate::__private::Option::Some(#text))
        }
        None => quote!(#krate::__private::Option::None),
    };
    let (authorize, authorize_request) =
        (check(&policy.authorize), check(&policy.authorize_request));
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
