//! The item that is emitted beside errors: it type-checks, and contains none of the user's code.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    Attribute, FnArg, ImplItem, ImplItemFn, ItemImpl, ReturnType, Token, parse_quote,
    punctuated::Punctuated,
};

use crate::{
    parse::authorized::is_authorized,
    recover::forgotten_identity::is_forgotten_identity,
    syntax::names::{hides_policy_attribute, is_attribute, is_type, policy_attribute},
};

/// The impl with empty method bodies.
pub(crate) fn of_impl(mut item: ItemImpl) -> TokenStream {
    item.attrs.retain(|attribute| !is_ours(attribute));
    for inner in &mut item.items {
        if let ImplItem::Fn(function) = inner {
            let is_anonymous = function.attrs.iter().any(|found| is_attribute(found, "anonymous"));
            empty(function);
            if !is_anonymous && returns_result(function) {
                // A missing `async` is reported already. Without it here, the compiler would report
                // that the signature differs from the trait's.
                function.sig.asyncness = Some(Token![async](function.sig.fn_token.span));
            }
        }
    }
    quote!(#[allow(unused)] #item)
}

/// The method with an empty body.
pub(crate) fn of_method(mut function: ImplItemFn) -> TokenStream {
    empty(&mut function);
    function.into_token_stream()
}

fn is_ours(attribute: &Attribute) -> bool {
    policy_attribute(attribute).is_some() || hides_policy_attribute(attribute)
}

/// Removes the body, the attributes of this crate and the parameters that it supplies.
fn empty(function: &mut ImplItemFn) {
    function.attrs.retain(|attribute| !is_ours(attribute));
    function.attrs.push(parse_quote!(#[allow(unused, clippy::all, clippy::pedantic)]));
    let (mut identities, mut inputs) = (Vec::new(), Punctuated::new());
    for (index, mut input) in function.sig.inputs.clone().into_iter().enumerate() {
        if is_identity(&input)
            || is_authorized(&input)
            || is_forgotten_identity(&function.sig.inputs, index)
        {
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
    // The types of the removed parameters stay in use: otherwise the compiler would warn about their
    // imports. The body never runs, because a `compile_error!` is emitted beside it.
    function.block = parse_quote!({
        let _: fn(#(#types),*);
        ::core::unreachable!()
    });
}

fn returns_result(function: &ImplItemFn) -> bool {
    match &function.sig.output {
        ReturnType::Type(_, ty) => is_type(ty, "Result"),
        ReturnType::Default => false,
    }
}

fn is_identity(input: &FnArg) -> bool {
    match input {
        FnArg::Typed(typed) => typed.attrs.iter().any(|found| is_attribute(found, "identity")),
        FnArg::Receiver(_) => false,
    }
}
