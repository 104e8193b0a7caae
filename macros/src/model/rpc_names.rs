//! The rules for the names of RPCs: no call may be judged by the policy of another method.
//!
//! The code generator derives a function from the RPC (`GetURL` becomes `get_url`), and only that direction is
//! a function. The guard finds a method by the name of the RPC or, if the attribute doesn't state it, by the
//! function.

use std::collections::HashMap;

use heck::{ToSnakeCase, ToUpperCamelCase};
use proc_macro2::Span;

use crate::{
    model::method_policy::{Access, MethodPolicy},
    recover::errors::Errors,
};

/// Checks the names of all methods of an impl. `spans` are those of the functions, in the same order.
pub(crate) fn check(methods: &[MethodPolicy], spans: &[Span], errors: &mut Errors) {
    let derived: HashMap<&str, &MethodPolicy> = methods
        .iter()
        .filter(|method| method.rpc.is_none())
        .map(|method| (method.function.as_str(), method))
        .collect();
    for (method, span) in methods.iter().zip(spans) {
        match &method.rpc {
            None => derived_name_is_unambiguous(method, *span, errors),
            Some(rpc) => {
                let function = function_name(&rpc.value());
                if function == method.function {
                    continue;
                }
                // Equal names are reported as duplicates.
                if let Some(other) = derived.get(function.as_str())
                    && other.rpc_name != method.rpc_name
                {
                    errors.push(syn::Error::new(
                        rpc.span(),
                        format!(
                            "the RPC `{}` of `{}` may be that of `{function}`, whose name in the proto is unknown\n\
                             help: write `rpc = \"..\"` on `{}`, too",
                            rpc.value(),
                            method.function,
                            other.function,
                        ),
                    ));
                }
            }
        }
    }
}

/// The derived name must lead back to the function. `get_u_r_l` would get the name `GetURL`, which is the RPC
/// of another function, `get_url`.
fn derived_name_is_unambiguous(method: &MethodPolicy, span: Span, errors: &mut Errors) {
    let MethodPolicy { function, .. } = method;
    let derived = function.to_upper_camel_case();
    if function_name(&derived) == *function {
        return;
    }
    let attribute = match &method.access {
        Access::Guarded { .. } => "#[authenticated(.., rpc = \"..\")]",
        Access::Anonymous { .. } => "#[anonymous(reason = \"..\", rpc = \"..\")]",
        Access::Denied { .. } => "#[denied(reason = \"..\", rpc = \"..\")]",
    };
    let collision = function_name(&derived);
    errors.push(syn::Error::new(
        span,
        format!(
            "the name of the RPC can't be derived from `{function}`\nnote: `{derived}` is the RPC of a function \
             `{collision}`\nhelp: write the name in the proto: `{attribute}`"
        ),
    ));
}

/// The function that the code generator derives from the RPC: snake case, and a valid identifier of Rust. The
/// guard derives it in the same way.
fn function_name(rpc: &str) -> String {
    let name = rpc.to_snake_case();
    match name.as_str() {
        "self" | "super" | "crate" | "extern" => name + "_",
        _ if name.starts_with(|first: char| first.is_ascii_digit()) => format!("_{name}"),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn method(function: &str, rpc: Option<&str>) -> MethodPolicy {
        let rpc = rpc.map(|rpc| syn::LitStr::new(rpc, Span::call_site()));
        let reason = syn::parse2(quote!("test")).unwrap();
        MethodPolicy::new(0, function.to_owned(), rpc, Vec::new(), Access::Anonymous { reason })
    }

    fn is_accepted(methods: &[(&str, Option<&str>)]) -> bool {
        let methods: Vec<_> = methods.iter().map(|(name, rpc)| method(name, *rpc)).collect();
        let spans = vec![Span::call_site(); methods.len()];
        let mut errors = Errors::default();
        check(&methods, &spans, &mut errors);
        errors.is_empty()
    }

    #[test]
    fn names_that_lead_back_to_their_function_are_derived() {
        for function in ["list", "get_url", "self_", "_1st", "type", "list_v2", "call0", "a"] {
            assert!(is_accepted(&[(function, None)]), "{function}");
        }
    }

    #[test]
    fn other_names_must_be_written() {
        for (function, rpc) in
            [("get_u_r_l", "Get_U_R_L"), ("call_1", "Call_1"), ("v_2", "V_2"), ("get_", "get_")]
        {
            assert!(!is_accepted(&[(function, None)]), "{function}");
            assert!(is_accepted(&[(function, Some(rpc))]), "{function}");
        }
    }

    #[test]
    fn a_written_name_that_another_function_may_have_is_rejected() {
        assert!(!is_accepted(&[("get_url", None), ("open", Some("GetURL"))]));
        assert!(is_accepted(&[("get_url", Some("GetURL")), ("open", Some("Get_URL"))]));
        assert!(is_accepted(&[("get_url", None), ("get_u_r_l", Some("Get_U_R_L"))]));
    }
}
