//! `#[authenticated(..)]`, `#[anonymous(..)]` and `#[denied(..)]`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{ImplItemFn, ItemImpl, parse_quote};

use crate::{
    expand::{
        denied,
        handler_check::{self, EvaluatorSource},
        impl_block,
    },
    model::{
        argument_rules::check_on_method,
        inherited_scheme,
        policy::Policy,
        rules::{authorized_with_identity, no_identity, one_identity_type, one_policy_attribute},
    },
    parse::{arguments::Arguments, item, method::Method, reason::ReasonAttribute},
    recover::{errors::Errors, fallback},
    syntax::invisible_groups::parenthesise,
};

/// Expands `#[authenticated(..)]` on a method or on the impl of a service trait.
pub(crate) fn authenticated(arguments: TokenStream, item: TokenStream) -> TokenStream {
    const EXPECTED: &str = "expected a method or the impl of a service trait";
    const HELP: &str =
        "\nhelp: write the attribute on the impl of the service trait, or on a method of it";

    let arguments = parenthesise(arguments);
    if let Ok(parsed) = syn::parse2::<ItemImpl>(item.clone()) {
        return impl_block::expand(arguments, parsed, item);
    }
    match item::method(item.clone(), EXPECTED, HELP) {
        Ok(function) => authenticated_method(arguments, function),
        Err(error) => {
            let error = error.into_compile_error();
            quote!(#error #item)
        }
    }
}

/// Inserts the handler check into a method of an impl without `#[authenticated]`.
fn authenticated_method(tokens: TokenStream, function: ImplItemFn) -> TokenStream {
    let mut errors = Errors::default();
    one_policy_attribute(&function.attrs, Some("authenticated"), &mut errors);
    let mut arguments = Arguments::parse(tokens.clone(), &mut errors);
    check_on_method(&arguments, &mut errors);
    let krate = arguments.take_krate();
    inherited_scheme::reject(
        &arguments,
        "on a method of an impl without `#[authenticated(..)]`",
        &mut errors,
    );
    let policy = Policy::new(arguments, &tokens, Span::call_site(), &mut errors);
    let method = Method::recognise(function.clone(), &mut errors);
    if let (Some(policy), Some(mut method)) = (policy, method) {
        one_identity_type(&policy, &method, &mut errors);
        authorized_with_identity(&method, &mut errors);
        let source = EvaluatorSource::Inline(policy.id);
        errors.ok(handler_check::insert(&mut method, &policy, source, &krate));
        if errors.is_empty() {
            return method.item.into_token_stream();
        }
    }
    let errors = errors.into_tokens();
    let fallback = fallback::of_method(function);
    quote!(#errors #fallback)
}

/// Checks `#[anonymous(reason = "..")]` on a method of an impl without `#[authenticated]`: the method stays
/// as it is.
pub(crate) fn anonymous(arguments: TokenStream, item: TokenStream) -> TokenStream {
    const EXPECTED: &str = "expected a method";
    const HELP: &str = "\nhelp: a service that is open as a whole is added with `GuardedRoutes::open(service, reason)`";

    let mut errors = Errors::default();
    errors.ok(ReasonAttribute::Anonymous.parse(arguments));
    match item::method(item.clone(), EXPECTED, HELP) {
        Ok(function) => {
            one_policy_attribute(&function.attrs, Some("anonymous"), &mut errors);
            no_identity(&function, ReasonAttribute::Anonymous, &mut errors);
            if !errors.is_empty() {
                let errors = errors.into_tokens();
                let fallback = fallback::of_method(function);
                return quote!(#errors #fallback);
            }
        }
        Err(error) => errors.push(error),
    }
    let errors = errors.into_tokens();
    quote!(#errors #item)
}

/// Rejects every call of a method of an impl without `#[authenticated]`.
pub(crate) fn denied(arguments: TokenStream, item: TokenStream) -> TokenStream {
    const EXPECTED: &str = "expected a method";
    const HELP: &str = "\nhelp: to deny a whole service, don't add it to the server";

    let function = match item::method(item.clone(), EXPECTED, HELP) {
        Ok(function) => function,
        Err(error) => {
            let error = error.into_compile_error();
            return quote!(#error #item);
        }
    };
    let mut errors = Errors::default();
    errors.ok(ReasonAttribute::Denied.parse(arguments));
    one_policy_attribute(&function.attrs, Some("denied"), &mut errors);
    no_identity(&function, ReasonAttribute::Denied, &mut errors);
    if let Some(mut method) = Method::recognise(function.clone(), &mut errors) {
        errors.ok(denied::insert(&mut method, &parse_quote!(::tonic_guard)));
        if errors.is_empty() {
            return method.item.into_token_stream();
        }
    }
    let errors = errors.into_tokens();
    let fallback = fallback::of_method(function);
    quote!(#errors #fallback)
}
