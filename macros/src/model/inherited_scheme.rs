//! The scheme of a method under `scheme = default`.

use proc_macro2::TokenStream;
use quote::quote_spanned;

use crate::{
    model::{impl_default::ImplDefault, policy::Policy},
    parse::{arguments::Arguments, schemes::Schemes},
    recover::errors::Errors,
};

/// Replaces `scheme = default` by the scheme of the impl's default. `tokens` are the arguments; the result
/// identifies the policy, so it includes the identity of the inherited one.
pub(crate) fn resolve(
    arguments: &mut Arguments,
    default: &ImplDefault,
    tokens: TokenStream,
    errors: &mut Errors,
) -> TokenStream {
    let Some(span) = arguments.inherited_scheme else { return tokens };
    match default {
        ImplDefault::Policy { policy, .. } => match inherited(policy) {
            Ok(schemes) => {
                arguments.scheme = Some(schemes);
                let id = policy.id;
                return quote_spanned!(span=> #tokens, default = #id);
            }
            Err(message) => errors.push(syn::Error::new(span, message)),
        },
        ImplDefault::None => errors.push(syn::Error::new(
            span,
            "the impl has no default scheme\nhelp: write the scheme of this method, or a default in the \
             `#[authenticated(..)]` on the impl",
        )),
        // The error of the default is reported already. This scheme is neither known nor a second error.
        ImplDefault::Invalid => {}
    }
    tokens
}

/// The schemes of the default. An `optional` one isn't inherited: an edit of the impl's attribute would open
/// the methods below it.
fn inherited(policy: &Policy) -> Result<Schemes, &'static str> {
    match policy.is_optional() {
        false => Ok(policy.schemes.clone()),
        true => Err(
            "`scheme = default` is not allowed under a default of `optional(..)`\nnote: an edit of the impl's \
             attribute would open this method\nhelp: write the scheme of this method in full",
        ),
    }
}

/// Reports `scheme = default` without an impl's attribute to inherit from.
pub(crate) fn reject(arguments: &Arguments, place: &str, errors: &mut Errors) {
    if let Some(span) = arguments.inherited_scheme {
        errors.push(syn::Error::new(
            span,
            format!(
                "`scheme = default` is not allowed {place}\nnote: it means the scheme of the `#[authenticated(..)]` on \
                 the impl of the service trait\nhelp: write the scheme here"
            ),
        ));
    }
}
