//! From the model to tokens.

pub(crate) mod derive;
pub(crate) mod evaluator;
pub(crate) mod guard;
pub(crate) mod handler_check;
pub(crate) mod impl_block;
pub(crate) mod shared_evaluator;
