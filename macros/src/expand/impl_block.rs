//! The attributes on their items: which policy holds for which method.

use std::rc::Rc;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{
    Attribute, Ident, ImplItem, ImplItemFn, Item, ItemImpl, Meta, Path, TraitItemFn, parse_quote,
    spanned::Spanned,
};

use crate::expand::guard::{self as front_door, Access, Entry, Wiring};
use crate::expand::handler_check::{self as method_door, WayIn};
use crate::expand::shared_evaluator as policed;
use crate::model::policy::{DefaultChecks, Policy, check_default, check_method};
use crate::model::rules::{
    alternatives_meet, name_the_silent, no_identity, one_function_each, only_one_of_ours,
};
use crate::parse::arguments::{self as args, Args};
use crate::parse::method::{Method, is_attribute};
use crate::recover::errors::Errors;
use crate::recover::fallback::{self, hides_ours, is_ours};
use crate::syntax::invisible_groups::parenthesised;

/// `#[authenticated(..)]` on a method or on an impl block.
pub(crate) fn authenticated(args: TokenStream, item: TokenStream) -> TokenStream {
    const PLACE: &str =
        "this attribute stands on a method, or on the impl block of a service's trait";

    let args = parenthesised(args);
    if let Ok(parsed) = syn::parse2::<ItemImpl>(item.clone()) {
        return on_impl(args, parsed, item);
    }
    match function(item.clone(), PLACE) {
        Ok(function) => on_method(args, function),
        Err(error) => {
            let error = error.into_compile_error();
            quote!(#error #item)
        }
    }
}

/// `#[anonymous(reason = "..")]` on a method of an impl without `#[authenticated]`.
pub(crate) fn anonymous(args: TokenStream, item: TokenStream) -> TokenStream {
    const PLACE: &str = "this attribute stands on a method. A service that is open as a whole is added with \
         `GuardedRoutes::open`, and its reason there";

    let mut errors = Errors::default();
    errors.ok(args::anonymous(args));
    match function(item.clone(), PLACE) {
        Ok(function) => {
            only_one_of_ours(&function.attrs, 1, &mut errors);
            no_identity(&function, &mut errors);
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

/// The item as a method, or why it isn't one.
fn function(item: TokenStream, place: &str) -> syn::Result<ImplItemFn> {
    if let Ok(function) = syn::parse2::<ImplItemFn>(item.clone()) {
        return Ok(function);
    }
    if let Ok(declared) = syn::parse2::<TraitItemFn>(item.clone()) {
        return Err(syn::Error::new(
            declared.sig.ident.span(),
            "a method without a body has nothing to guard: write the attribute where the trait is implemented",
        ));
    }
    let span = match syn::parse2::<Item>(item.clone())? {
        Item::Trait(item) => item.ident.span(),
        Item::Struct(item) => item.ident.span(),
        Item::Mod(item) => item.ident.span(),
        Item::Impl(item) => item.impl_token.span,
        other => other.span(),
    };
    Err(syn::Error::new(span, place))
}

fn on_method(tokens: TokenStream, function: ImplItemFn) -> TokenStream {
    let mut errors = Errors::default();
    only_one_of_ours(&function.attrs, 1, &mut errors);
    let args = Args::parse(tokens.clone(), &mut errors);
    check_method(&args, &mut errors);
    let krate = krate(args.krate.clone());
    let policy = Policy::new(args, &tokens, Span::call_site(), &mut errors);
    let method = Method::recognise(function.clone(), &mut errors);
    if let (Some(policy), Some(method)) = (&policy, &method) {
        alternatives_meet(policy, method, &mut errors);
    }
    let guarded = match (policy, method) {
        (Some(policy), Some(mut method)) => {
            errors.ok(method_door::insert(&mut method, &policy, WayIn::Own(policy.id), &krate));
            Some(method.item)
        }
        _ => None,
    };
    match guarded {
        Some(item) if errors.is_empty() => item.into_token_stream(),
        _ => {
            let errors = errors.into_tokens();
            let fallback = fallback::of_method(function);
            quote!(#errors #fallback)
        }
    }
}

/// `item` was read from `original`, which is read again if there is a mistake: a copy of a large impl
/// costs more than all its doors.
fn on_impl(tokens: TokenStream, mut item: ItemImpl, original: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut args = Args::parse(tokens.clone(), &mut errors);
    check_default(&args, &mut errors);
    let wiring = Wiring {
        service: args.service.take(),
        server: args.server.take(),
        krate: krate(args.krate.take()),
    };
    let default = default(args, &tokens, &mut errors);
    let trait_path = item.trait_.as_ref().map(|(path, _)| path.clone());
    if trait_path.is_none() {
        errors.push(syn::Error::new(
            item.impl_token.span,
            "this impl is of no trait, so nothing in it is called over the network: write the attribute on \
             the impl of the service's trait",
        ));
    }
    if let Some(second) = item.attrs.iter().find(|attribute| is_ours(attribute)) {
        errors.push(syn::Error::new(second.span(), "an impl has one `#[authenticated(..)]`, once"));
    }
    let mut entries = Vec::new();
    let mut silent = Vec::new();
    for (key, inner) in (0u32..).zip(std::mem::take(&mut item.items)) {
        match inner {
            ImplItem::Fn(function) => {
                let guarded =
                    on_impl_method(key, function, &default, &wiring, &mut silent, &mut errors);
                // One that isn't guarded is a mistake that was told, and then this impl isn't used.
                if let Some((function, entry)) = guarded {
                    item.items.push(ImplItem::Fn(function));
                    entries.push(entry);
                }
            }
            ImplItem::Macro(made) => errors.push(syn::Error::new(
                made.span(),
                "the methods that this macro makes can't be seen here, so nobody would say who may call them: \
                 write them out, or let the macro make the whole impl with its attribute",
            )),
            ImplItem::Verbatim(tokens) => errors.push(syn::Error::new(
                tokens.span(),
                "this can't be read, so nobody would say who may call it",
            )),
            other => item.items.push(other),
        }
    }
    name_the_silent(&silent, &mut errors);
    one_function_each(&entries, &mut errors);
    match trait_path {
        Some(trait_path) if errors.is_empty() => {
            let front = front_door::expand(&item, &trait_path, &entries, &wiring);
            quote!(#item #front)
        }
        trait_path => {
            let errors = errors.into_tokens();
            let fallback = syn::parse2(original).map(fallback::of_impl).unwrap_or_default();
            // The attribute is there: a `guard` elsewhere must not say that it isn't.
            item.items.clear();
            let front = trait_path.map(|path| front_door::expand(&item, &path, &[], &wiring));
            quote!(#errors #fallback #front)
        }
    }
}

/// What holds for a method that says nothing itself.
#[allow(clippy::large_enum_variant, reason = "one per impl, while compiling")]
enum Default {
    /// This.
    Policy { policy: Rc<Policy>, checks: DefaultChecks },
    /// Nothing: every method must say for itself.
    None,
    /// A policy that can't be read. That is told already.
    Unreadable,
}

/// The default that the attribute on an impl says. A bare one, or one that says only how things are
/// wired, has none.
fn default(args: Args, tokens: &TokenStream, errors: &mut Errors) -> Default {
    let says_nothing = args.scheme.is_none()
        && args.scopes.is_unsaid()
        && args.roles.is_unsaid()
        && args.authorize.is_unsaid()
        && args.authorize_request.is_unsaid();
    if says_nothing {
        return if errors.is_empty() { Default::None } else { Default::Unreadable };
    }
    let checks = DefaultChecks::of(&args);
    match Policy::new(args, tokens, Span::call_site(), errors) {
        Some(policy) => Default::Policy { policy: Rc::new(policy), checks },
        None => Default::Unreadable,
    }
}

/// A method of a guarded impl with its door, and its entry of the table.
fn on_impl_method(
    key: u32,
    mut function: ImplItemFn,
    default: &Default,
    wiring: &Wiring,
    silent: &mut Vec<Ident>,
    errors: &mut Errors,
) -> Option<(ImplItemFn, Entry)> {
    if let Some(hiding) = function.attrs.iter().find(|attribute| hides_ours(attribute)) {
        errors.push(syn::Error::new(
            hiding.span(),
            "the attribute can't be seen behind `cfg_attr`: write two methods, one under `#[cfg(..)]` and \
             one under `#[cfg(not(..))]`, each with its own attribute",
        ));
    }
    only_one_of_ours(&function.attrs, 0, errors);
    let ours = |attribute: &mut Attribute| {
        is_attribute(attribute, "authenticated") || is_attribute(attribute, "anonymous")
    };
    let own = function.attrs.extract_if(.., ours).next();
    let cfgs: Vec<_> = front_door::cfgs(&function.attrs).cloned().collect();
    let name = method_door::function_name(&function.sig.ident);
    let (policy, rpc) = match &own {
        None => match default {
            Default::Policy { policy, .. } => (Rc::clone(policy), None),
            Default::Unreadable => return None,
            Default::None => {
                silent.push(function.sig.ident.clone());
                return None;
            }
        },
        Some(attribute) if is_attribute(attribute, "anonymous") => {
            let reason = errors
                .ok(args::anonymous(arguments(attribute)).map_err(|error| at(error, attribute)))?;
            no_identity(&function, errors);
            let number = policed::number(None, None, &cfgs);
            let entry = Entry::new(key, name, None, cfgs, Access::Anonymous { reason }, number);
            return Some((function, entry));
        }
        Some(attribute) => {
            let tokens = arguments(attribute);
            let span = attribute.path().span();
            let mut mistakes = Errors::default();
            let args = Args::parse(tokens.clone(), &mut mistakes);
            check_method(&args, &mut mistakes);
            if let Some(krate) = &args.krate {
                mistakes
                    .push(syn::Error::new(krate.span(), "`crate` is written once, on the impl"));
            }
            if let Default::Policy { checks, .. } = default
                && mistakes.is_empty()
            {
                checks.check_named_by(&args, span, &mut mistakes);
            }
            let rpc = args.rpc.clone();
            if let Default::Policy { .. } = default
                && args.scheme.is_none()
                && mistakes.is_empty()
            {
                mistakes.push(syn::Error::new(
                    span,
                    "this replaces the impl's default whole: repeat its `scheme = ..` here",
                ));
            }
            let policy = Policy::new(args, &tokens, span, &mut mistakes);
            errors.append(mistakes);
            (Rc::new(policy?), rpc)
        }
    };
    let mut method = Method::recognise(function, errors)?;
    alternatives_meet(&policy, &method, errors);
    let identity = method.identity.as_ref().map(|identity| identity.ty.clone());
    let number = policed::number(Some(&policy), identity.as_ref(), &cfgs);
    let way_in = if policy.is_shared() { WayIn::Shared(number) } else { WayIn::Own(number) };
    errors.ok(method_door::insert(&mut method, &policy, way_in, &wiring.krate));
    let access = Access::Guarded { policy, identity };
    Some((method.item, Entry::new(key, name, rpc, cfgs, access, number)))
}

/// The arguments of an attribute; none for a bare one.
fn arguments(attribute: &Attribute) -> TokenStream {
    match &attribute.meta {
        Meta::List(list) => parenthesised(list.tokens.clone()),
        Meta::Path(_) | Meta::NameValue(_) => TokenStream::new(),
    }
}

/// An error about the arguments of an attribute that has none, at the attribute's own place.
fn at(error: syn::Error, attribute: &Attribute) -> syn::Error {
    match arguments(attribute).is_empty() {
        true => syn::Error::new(attribute.span(), error),
        false => error,
    }
}

fn krate(given: Option<Path>) -> Path {
    given.unwrap_or_else(|| parse_quote!(::tonic_guard))
}

#[cfg(test)]
mod tests {
    use proc_macro2::{Group, TokenTree};

    use super::*;

    fn arguments() -> TokenStream {
        quote! {
            scheme = one_of("bearer", ApiKey::header("x-key") via self.keys),
            scopes("read", "write"), roles(Role::Admin), authorize = Self::known,
            authorize_request = Self::owns, service = "shop.v1.Orders",
            server = orders_server::OrdersServer, crate = framework::guard
        }
    }

    fn service() -> TokenStream {
        quote! {
            #[framework::async_trait]
            impl<T: Store> Orders for Server<T> where T: Debug {
                async fn list(&self, _: Request<List>, #[identity] (a, b): (A, B)) -> Result<R, S> {
                    if let Some(x) = self.x { return x; }
                    work()
                }
                fn boxed<'a>(&'a self, mut request: Request<List>, #[identity] c: C) -> BoxFuture<'a, R> {
                    Box::pin(async move { work() })
                }
                #[cfg(unix)]
                #[authenticated(scheme = optional(one_of("basic")), scopes(none), roles(none),
                    authorize = none, authorize_request = none, rpc = "GetURL")]
                async fn get_url(self: Arc<Self>, request: Request<List>) {}
                #[anonymous(reason = "probe")]
                async fn ping(&self, _: R) -> S {}
                type Stream = Streaming<R>;
            }
        }
    }

    fn derived() -> TokenStream {
        quote! {
            #[verifies(crate = framework::guard)]
            struct Server<T: ?Sized> where T: Debug {
                #[verifies("bearer", scheme::ApiKey)]
                one: One,
                #[verifies("basic")]
                two: Box<dyn Two + Send>,
                rest: T,
            }
        }
    }

    /// `stream` with each token, at whatever depth, once taken out, once doubled.
    fn mutations(stream: TokenStream) -> Vec<TokenStream> {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        let mut all = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            let with = |middle: Vec<TokenTree>| -> TokenStream {
                let (before, after) = (tokens.iter().take(at), tokens.iter().skip(at + 1));
                before.chain(&middle).chain(after).cloned().collect()
            };
            all.push(with(vec![]));
            all.push(with(vec![token.clone(), token.clone()]));
            if let TokenTree::Group(group) = token {
                let inner = mutations(group.stream()).into_iter();
                all.extend(
                    inner.map(|inner| with(vec![Group::new(group.delimiter(), inner).into()])),
                );
            }
        }
        all
    }

    #[test]
    fn no_other_crate_is_named() {
        for generated in
            [authenticated(arguments(), service()), crate::expand::derive::expand(derived())]
        {
            let text = generated.to_string();
            assert!(!text.contains("compile_error"), "{text}");
            assert!(text.contains("framework :: guard :: __private"), "{text}");
            assert!(!text.contains("tonic"), "{text}");
        }
    }

    #[test]
    fn no_input_makes_it_panic() {
        for arguments in mutations(arguments()) {
            authenticated(arguments, service());
        }
        for item in mutations(service()) {
            authenticated(arguments(), item.clone());
            authenticated(TokenStream::new(), item);
        }
        for item in mutations(derived()) {
            crate::expand::derive::expand(item);
        }
        for arguments in mutations(quote!(reason = "probe")) {
            anonymous(
                arguments,
                quote!(
                    async fn ping(&self, _: R) -> S {}
                ),
            );
        }
    }

    #[test]
    fn the_door_is_the_first_statement() {
        for body in [
            quote!({
                if let Some(x) = self.x {
                    return x;
                }
                work()
            }),
            quote!({
                if x() {
                    y()
                }
            }),
            quote!({
                let request = request;
                work()
            }),
            quote!({
                fn inner() {}
                work()
            }),
        ] {
            let plain = quote!(async fn list(&self, request: R) -> S #body);
            let boxed = quote!(fn list(&self, request: R) -> S { Box::pin(async move #body) });
            for item in [plain, boxed] {
                let guarded = authenticated(quote!(scheme = "bearer"), item);
                let mut errors = Errors::default();
                let guarded = errors.ok(syn::parse2::<ImplItemFn>(guarded));
                let mut guarded = guarded.and_then(|item| Method::recognise(item, &mut errors));
                let first = guarded.as_mut().and_then(Method::body).map(|body| body.stmts.first());
                let first = first.flatten().map(|first| first.to_token_stream().to_string());
                assert!(first.is_some_and(|first| first.contains("__private :: enter")), "{body}");
            }
        }
    }
}
