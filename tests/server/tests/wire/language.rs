//! The attribute's language, one meaning a module.

mod combinators;
mod default;
mod identity;
mod own_checks;
mod own_scheme;
mod repeated;
mod requirements;
mod verifiers;
