//! The attribute's language, one meaning a module.

mod combinators;
mod default;
mod identity;
mod custom_checks;
mod custom_schemes;
mod repeated_by_macro;
mod requirements;
mod verifiers;
