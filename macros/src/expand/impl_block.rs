//! `#[authenticated(..)]` on the impl of a service trait.

use std::{collections::HashMap, rc::Rc};

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Ident, ImplItem, ImplItemFn, ItemImpl, LitStr, Meta, Path, spanned::Spanned};

use crate::{
    expand::{
        guard::{self, ServerBinding},
        handler_check::{self, EvaluatorSource},
    },
    model::{
        argument_rules::{check_on_impl, check_on_method},
        content_key::ContentKey,
        impl_default::ImplDefault,
        method_policy::{Access, MethodPolicy},
        policy::Policy,
        rules::{
            every_method_has_policy, no_identity, one_function_per_rpc, one_identity_type,
            one_impl_attribute, one_policy_attribute,
        },
    },
    parse::{anonymous, arguments::Arguments, method::Method},
    recover::{errors::Errors, fallback},
    syntax::{
        invisible_groups::parenthesise,
        names::{cfgs, function_name, hides_policy_attribute, is_attribute, policy_attribute},
    },
};

/// Inserts a handler check into each guarded method, and adds the impl of `Guarded` for the guard.
///
/// `item` was parsed from `original`, which is parsed again after an error: cloning a large impl costs more
/// than all its checks.
pub(super) fn expand(
    tokens: TokenStream,
    mut item: ItemImpl,
    original: TokenStream,
) -> TokenStream {
    let mut errors = Errors::default();
    let mut arguments = Arguments::parse(tokens.clone(), &mut errors);
    check_on_impl(&arguments, &mut errors);
    let binding = ServerBinding {
        service: arguments.service.take(),
        server: arguments.server.take(),
        krate: arguments.take_krate(),
    };
    let default = ImplDefault::new(arguments, &tokens, &mut errors);
    let trait_path = trait_path(&item, &mut errors);
    one_impl_attribute(&item.attrs, &mut errors);
    let methods = guard_methods(&mut item, &default, &binding.krate, &mut errors);
    one_function_per_rpc(&methods, &mut errors);
    match trait_path {
        Some(trait_path) if errors.is_empty() => {
            let guarded = guard::expand(&item, &trait_path, &methods, &binding);
            quote!(#item #guarded)
        }
        trait_path => {
            let errors = errors.into_tokens();
            let fallback = syn::parse2(original).map(fallback::of_impl).unwrap_or_default();
            // `Guarded` is implemented after an error, too: otherwise a call of `guard` elsewhere would be
            // a second error.
            item.items.clear();
            let guarded = trait_path.map(|path| guard::expand(&item, &path, &[], &binding));
            quote!(#errors #fallback #guarded)
        }
    }
}

fn trait_path(item: &ItemImpl, errors: &mut Errors) -> Option<Path> {
    let path = item.trait_.as_ref().map(|(path, _)| path.clone());
    if path.is_none() {
        errors.push(syn::Error::new(
            item.impl_token.span,
            "expected the impl of a service trait, found an inherent impl\nhelp: write the attribute on the impl of \
             the trait that tonic generates",
        ));
    }
    path
}

/// Inserts the handler checks, and returns the policies. A method with an error is missing from both, as the
/// impl isn't emitted then.
fn guard_methods(
    item: &mut ItemImpl,
    default: &ImplDefault,
    krate: &Path,
    errors: &mut Errors,
) -> Vec<MethodPolicy> {
    let mut policies = Vec::new();
    let mut known = KnownPolicies::new(default);
    let mut without_policy = Vec::new();
    for (index, inner) in (0u32..).zip(std::mem::take(&mut item.items)) {
        match inner {
            ImplItem::Fn(function) => {
                let guarded =
                    guard_method(index, function, &mut known, krate, &mut without_policy, errors);
                if let Some((function, policy)) = guarded {
                    item.items.push(ImplItem::Fn(function));
                    policies.push(policy);
                }
            }
            ImplItem::Macro(call) => errors.push(syn::Error::new(
                call.span(),
                "expected a method, found a macro call\nnote: the attribute can't see the methods that the macro \
                 generates\nhelp: write the methods out, or let the macro generate the impl together with its attribute",
            )),
            ImplItem::Verbatim(tokens) => {
                errors.push(syn::Error::new(tokens.span(), "expected an item of a trait impl"));
            }
            other => item.items.push(other),
        }
    }
    every_method_has_policy(&without_policy, errors);
    policies
}

/// The method with its handler check, and its policy.
fn guard_method(
    index: u32,
    mut function: ImplItemFn,
    known: &mut KnownPolicies<'_>,
    krate: &Path,
    without_policy: &mut Vec<Ident>,
    errors: &mut Errors,
) -> Option<(ImplItemFn, MethodPolicy)> {
    reject_hidden_attribute(&function.attrs, errors);
    one_policy_attribute(&function.attrs, None, errors);
    let is_ours = |attribute: &mut Attribute| policy_attribute(attribute).is_some();
    let attribute = function.attrs.extract_if(.., is_ours).next();
    let cfgs: Vec<_> = cfgs(&function.attrs).cloned().collect();
    let name = function_name(&function.sig.ident);
    let (policy, rpc) = match &attribute {
        None => match known.default {
            ImplDefault::Policy { policy, .. } => (Rc::clone(policy), None),
            ImplDefault::Invalid => return None,
            ImplDefault::None => {
                without_policy.push(function.sig.ident.clone());
                return None;
            }
        },
        Some(attribute) if is_attribute(attribute, "anonymous") => {
            let reason = errors.ok(anonymous_reason(attribute))?;
            no_identity(&function, errors);
            let access = Access::Anonymous { reason };
            return Some((function, MethodPolicy::new(index, name, None, cfgs, access)));
        }
        Some(attribute) => own_policy(attribute, known, errors)?,
    };
    let mut method = Method::recognise(function, errors)?;
    one_identity_type(&policy, &method, errors);
    let identity = method.identity.as_ref().map(|identity| identity.ty.clone());
    let access = Access::Guarded { policy: Rc::clone(&policy), identity };
    let method_policy = MethodPolicy::new(index, name, rpc, cfgs, access);
    let source = match policy.is_shared() {
        true => EvaluatorSource::Shared(method_policy.evaluator_id),
        false => EvaluatorSource::Inline(method_policy.evaluator_id),
    };
    errors.ok(handler_check::insert(&mut method, &policy, source, krate));
    Some((method.item, method_policy))
}

/// The policy of a method's own `#[authenticated(..)]`, and its argument `rpc`.
fn own_policy(
    attribute: &Attribute,
    known: &mut KnownPolicies<'_>,
    errors: &mut Errors,
) -> Option<(Rc<Policy>, Option<LitStr>)> {
    let tokens = arguments(attribute);
    let span = attribute.path().span();
    let mut found = Errors::default();
    let arguments = Arguments::parse(tokens.clone(), &mut found);
    check_on_method(&arguments, &mut found);
    if let Some(krate) = &arguments.krate {
        found.push(syn::Error::new(
            krate.span(),
            "`crate` is not allowed on a method of a guarded impl\nhelp: write it in the `#[authenticated(..)]` on the impl",
        ));
    }
    if let ImplDefault::Policy { checks, .. } = known.default
        && found.is_empty()
    {
        checks.must_be_named_by(&arguments, span, &mut found);
        if arguments.scheme.is_none() && found.is_empty() {
            found.push(syn::Error::new(
                span,
                "missing argument `scheme`\nnote: this attribute replaces the impl's default as a whole\nhelp: repeat \
                 the default's `scheme = ..` here",
            ));
        }
    }
    let rpc = arguments.rpc.clone();
    let key = ContentKey::new(&tokens).filter(|_| found.is_empty());
    if let Some(equal) = key.as_ref().and_then(|key| known.policies.get(key)) {
        return Some((Rc::clone(equal), rpc));
    }
    let policy = Policy::new(arguments, &tokens, span, &mut found).map(Rc::new);
    errors.append(found);
    if let (Some(key), Some(policy)) = (key, &policy) {
        known.policies.insert(key, Rc::clone(policy));
    }
    Some((policy?, rpc))
}

/// The policies of an impl: its default, and those of the attributes on its methods. Methods with equal
/// attributes share a policy, and so its evaluator, which is compiled once.
struct KnownPolicies<'d> {
    default: &'d ImplDefault,
    policies: HashMap<ContentKey, Rc<Policy>>,
}

impl<'d> KnownPolicies<'d> {
    fn new(default: &'d ImplDefault) -> Self {
        let mut policies = HashMap::new();
        if let ImplDefault::Policy { policy, key: Some(key), .. } = default {
            policies.insert(key.clone(), Rc::clone(policy));
        }
        KnownPolicies { default, policies }
    }
}

fn anonymous_reason(attribute: &Attribute) -> syn::Result<LitStr> {
    let tokens = arguments(attribute);
    let is_bare = tokens.is_empty();
    anonymous::parse(tokens).map_err(|error| match is_bare {
        // The error's own span is the attribute of the impl.
        true => syn::Error::new(attribute.span(), error),
        false => error,
    })
}

/// The tokens in the parentheses of an attribute.
fn arguments(attribute: &Attribute) -> TokenStream {
    match &attribute.meta {
        Meta::List(list) => parenthesise(list.tokens.clone()),
        Meta::Path(_) | Meta::NameValue(_) => TokenStream::new(),
    }
}

/// The condition of a `cfg_attr` is unknown while this attribute expands.
fn reject_hidden_attribute(attributes: &[Attribute], errors: &mut Errors) {
    if let Some(hidden) = attributes.iter().find(|attribute| hides_policy_attribute(attribute)) {
        errors.push(syn::Error::new(
            hidden.span(),
            "the policy of a method can't depend on `cfg_attr`\nhelp: write two methods, one under `#[cfg(..)]` and one \
             under `#[cfg(not(..))]`, each with its own attribute",
        ));
    }
}
