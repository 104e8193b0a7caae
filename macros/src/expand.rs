//! From an attribute and its item to tokens.

pub(crate) mod attributes;
mod authorized;
mod custom_check;
mod denied;
pub(crate) mod derive;
mod evaluator;
mod guard;
mod handler_check;
mod header_const;
mod impl_block;
mod policy_table;
mod rejected;
mod shared_evaluator;
pub(crate) mod synchronous;
