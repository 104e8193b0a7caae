//! What is left of an item after a mistake: it type-checks, and runs none of the user's code.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Attribute, FnArg, ImplItem, ImplItemFn, ItemImpl, Meta, ReturnType, Token, parse_quote,
    punctuated::Punctuated,
};

use crate::parse::method::{is_attribute, is_forgotten_identity, is_named};

/// The impl with bodies that do nothing.
pub(crate) fn of_impl(mut item: ItemImpl) -> TokenStream {
    item.attrs.retain(|attribute| !is_ours(attribute));
    for inner in &mut item.items {
        if let ImplItem::Fn(function) = inner {
            let is_open = function.attrs.iter().any(|found| is_attribute(found, "anonymous"));
            hollow_out(function);
            if !is_open && returns_a_result(function) {
                // `async` was forgotten, which is told: the trait must not tell it again.
                function.sig.asyncness = Some(Token![async](function.sig.fn_token.span));
            }
        }
    }
    quote!(#[allow(unused)] #item)
}

/// The method with a body that does nothing.
pub(crate) fn of_method(mut function: ImplItemFn) -> TokenStream {
    hollow_out(&mut function);
    function.into_token_stream()
}

fn hollow_out(function: &mut ImplItemFn) {
    let keep = |attribute: &Attribute| !is_ours(attribute);
    function.attrs.retain(keep);
    function.attrs.push(parse_quote!(#[allow(unused, clippy::all, clippy::pedantic)]));
    let (mut identities, mut inputs) = (Vec::new(), Punctuated::new());
    for (at, mut input) in function.sig.inputs.clone().into_iter().enumerate() {
        if is_identity(&input) || is_forgotten_identity(&function.sig.inputs, at) {
            identities.push(input);
            continue;
        }
        if let FnArg::Receiver(receiver) = &mut input {
            receiver.attrs.retain(|attribute| !is_attribute(attribute, "identity"));
        }
        inputs.push(input);
    }
    function.sig.inputs = inputs;
    let types = identities.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(&typed.ty),
        FnArg::Receiver(_) => None,
    });
    // The types of what is taken out stay in use, or their imports would be warned of. Nothing of this runs: a
    // `compile_error!` stands beside it.
    function.block = parse_quote!({
        let _: fn(#(#types),*);
        ::core::unreachable!()
    });
}

fn returns_a_result(function: &ImplItemFn) -> bool {
    match &function.sig.output {
        ReturnType::Type(_, ty) => is_named(ty, "Result"),
        ReturnType::Default => false,
    }
}

fn is_identity(input: &FnArg) -> bool {
    match input {
        FnArg::Typed(typed) => typed.attrs.iter().any(|found| is_attribute(found, "identity")),
        FnArg::Receiver(_) => false,
    }
}

/// Whether an attribute is one of ours, also where a `cfg_attr` hides it.
pub(crate) fn is_ours(attribute: &Attribute) -> bool {
    is_attribute(attribute, "authenticated")
        || is_attribute(attribute, "anonymous")
        || hides_ours(attribute)
}

/// Whether a `cfg_attr` may add one of ours.
pub(crate) fn hides_ours(attribute: &Attribute) -> bool {
    match &attribute.meta {
        Meta::List(list) if attribute.path().is_ident("cfg_attr") => {
            names_ours(list.tokens.clone())
        }
        _ => false,
    }
}

/// What other attributes have in their parentheses doesn't count, but for another `cfg_attr`.
fn names_ours(tokens: TokenStream) -> bool {
    let mut in_cfg_attr = false;
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => {
            in_cfg_attr = ident == "cfg_attr";
            ident == "authenticated" || ident == "anonymous"
        }
        TokenTree::Group(group) => in_cfg_attr && names_ours(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
