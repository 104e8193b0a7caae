//! The policy of the methods that have no attribute, declared on the impl.

use std::rc::Rc;

use proc_macro2::{Span, TokenStream};

use crate::{
    model::{content_key::ContentKey, policy::Policy},
    parse::arguments::Arguments,
    recover::errors::Errors,
};

#[allow(clippy::large_enum_variant, reason = "one per impl, while compiling")]
pub(crate) enum ImplDefault {
    Policy {
        policy: Rc<Policy>,
        checks: DefaultChecks,
        key: Option<ContentKey>,
    },
    /// Every method must have an attribute.
    None,
    /// The policy has errors, which are reported already.
    Invalid,
}

impl ImplDefault {
    /// The default that the impl's attribute declares. One without a scheme, requirement or custom check
    /// declares none.
    pub(crate) fn new(arguments: Arguments, tokens: &TokenStream, errors: &mut Errors) -> Self {
        let is_bare = arguments.scheme.is_none()
            && arguments.scopes.is_absent()
            && arguments.roles.is_absent()
            && arguments.authorize.is_absent()
            && arguments.authorize_request.is_absent();
        if is_bare {
            return if errors.is_empty() { ImplDefault::None } else { ImplDefault::Invalid };
        }
        let checks = DefaultChecks::new(&arguments);
        match Policy::new(arguments, tokens, Span::call_site(), errors) {
            Some(policy) => {
                let key = ContentKey::new(tokens);
                ImplDefault::Policy { policy: Rc::new(policy), checks, key }
            }
            None => ImplDefault::Invalid,
        }
    }
}

/// Which requirements and custom checks the default has.
pub(crate) struct DefaultChecks {
    scopes: bool,
    roles: bool,
    authorize: bool,
    authorize_request: bool,
}

impl DefaultChecks {
    fn new(arguments: &Arguments) -> Self {
        DefaultChecks {
            scopes: arguments.scopes.is_set(),
            roles: arguments.roles.is_set(),
            authorize: arguments.authorize.is_set(),
            authorize_request: arguments.authorize_request.is_set(),
        }
    }

    /// Reports each check that a method's attribute neither repeats nor drops by name. The attribute replaces
    /// the default as a whole: without this rule, a check would disappear silently.
    pub(crate) fn must_be_named_by(
        &self,
        arguments: &Arguments,
        attribute: Span,
        errors: &mut Errors,
    ) {
        let checks = [
            (self.scopes && arguments.scopes.is_absent(), "scopes(..)", "scopes(none)"),
            (self.roles && arguments.roles.is_absent(), "roles(..)", "roles(none)"),
            (
                self.authorize && arguments.authorize.is_absent(),
                "authorize = ..",
                "authorize = none",
            ),
            (
                self.authorize_request && arguments.authorize_request.is_absent(),
                "authorize_request = ..",
                "authorize_request = none",
            ),
        ];
        for (_, check, dropped) in checks.into_iter().filter(|(is_missing, ..)| *is_missing) {
            errors.push(syn::Error::new(
                attribute,
                format!(
                    "missing `{check}`, which the impl's default has\nnote: this attribute replaces the default as a \
                     whole\nhelp: repeat it here, or write `{dropped}` to drop it"
                ),
            ));
        }
    }
}
