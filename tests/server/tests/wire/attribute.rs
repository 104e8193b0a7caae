//! The arguments of the attribute, one module each.

mod authorized;
mod closures;
mod combinators;
mod custom_checks;
mod custom_schemes;
mod default;
mod denied;
mod identity;
mod inherited_scheme;
mod repeated_by_macro;
mod requirements;
mod rpc_names;
mod verifiers;
