//! The arguments of the attribute, one module each.

mod combinators;
mod custom_checks;
mod custom_schemes;
mod default;
mod identity;
mod repeated_by_macro;
mod requirements;
mod verifiers;
