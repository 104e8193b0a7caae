//! The validated arguments of one attribute.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError},
};

use proc_macro2::{Span, TokenStream};
use syn::{Expr, LitStr};

use crate::{
    model::argument_rules::{no_requirements_under_optional, scopes_are_valid},
    parse::{
        arguments::Arguments,
        custom_check::CustomCheck,
        schemes::{Combinator, Schemes},
    },
    recover::errors::Errors,
    syntax::text,
};

/// The policy that an attribute declares.
#[derive(Clone)]
pub(crate) struct Policy {
    pub(crate) schemes: Schemes,
    pub(crate) scopes: Vec<LitStr>,
    pub(crate) roles: Vec<Expr>,
    pub(crate) authorize: Option<CustomCheck>,
    pub(crate) authorize_request: Option<CustomCheck>,
    /// Differs from the id of every other attribute, also of one that another expansion parses.
    pub(crate) id: u64,
}

impl Policy {
    /// The policy of an attribute at `span` whose `arguments` were parsed from `tokens`.
    pub(crate) fn new(
        arguments: Arguments,
        tokens: &TokenStream,
        span: Span,
        errors: &mut Errors,
    ) -> Option<Self> {
        no_requirements_under_optional(&arguments, errors);
        scopes_are_valid(&arguments, errors);
        let Some(schemes) = arguments.scheme else {
            // A scheme that failed to parse is reported already.
            if errors.is_empty() {
                errors.push(syn::Error::new(
                    span,
                    "missing argument `scheme`\nhelp: write `scheme = \"bearer\"`, `\"basic\"`, `\"api-key\"`, \
                     `\"client-certificate\"` or a value whose type implements `Scheme`",
                ));
            }
            return None;
        };
        Some(Policy {
            schemes,
            scopes: arguments.scopes.into_value().unwrap_or_default(),
            roles: arguments.roles.into_value().unwrap_or_default(),
            authorize: arguments.authorize.into_value(),
            authorize_request: arguments.authorize_request.into_value(),
            id: id(tokens, span),
        })
    }

    pub(crate) fn is_optional(&self) -> bool {
        self.schemes.combinator == Combinator::Optional
    }

    /// Returns whether different callers can have identities of different types.
    pub(crate) fn has_alternatives(&self) -> bool {
        self.schemes.combinator != Combinator::AllOf && self.schemes.list.len() > 1
    }

    /// Returns whether the methods with this policy share an evaluator. A check of the request depends on the
    /// method's request type.
    pub(crate) fn is_shared(&self) -> bool {
        self.authorize_request.is_none()
    }

    /// A custom check, if there is one.
    pub(crate) fn custom_check(&self) -> Option<&CustomCheck> {
        self.authorize.as_ref().or(self.authorize_request.as_ref())
    }
}

/// The id of an attribute: a hash of its text, its location and, because a macro may repeat an attribute at
/// one location, the number of attributes before it with the same text and location.
///
/// The text alone doesn't suffice: a path has another meaning elsewhere, and the text doesn't show the
/// invisible groups of a macro.
fn id(tokens: &TokenStream, span: Span) -> u64 {
    static PARSED: Mutex<BTreeMap<u64, u64>> = Mutex::new(BTreeMap::new());

    let attribute = hash_with_location(tokens, span);
    let mut parsed = PARSED.lock().unwrap_or_else(PoisonError::into_inner);
    let earlier = parsed.entry(attribute).or_default();
    let mut hasher = DefaultHasher::new();
    (attribute, *earlier).hash(&mut hasher);
    *earlier += 1;
    hasher.finish()
}

fn hash_with_location(tokens: &TokenStream, span: Span) -> u64 {
    let mut hasher = DefaultHasher::new();
    text::of(tokens).hash(&mut hasher);
    // Outside the compiler, as in the tests of this crate, a span has no location and `unwrap` panics.
    if proc_macro::is_available() {
        let span = span.unwrap();
        (span.file(), span.line(), span.column()).hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn repeated_attributes_get_different_ids() {
        let tokens = quote!(scheme = "bearer");
        let first = id(&tokens, Span::call_site());
        assert_ne!(first, id(&tokens, Span::call_site()));
        assert_ne!(first, id(&quote!(scheme = "basic"), Span::call_site()));
    }
}
