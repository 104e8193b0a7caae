//! From an attribute and its item to tokens.

pub(crate) mod attributes;
pub(crate) mod derive;
mod custom_check;
mod denied;
mod evaluator;
mod guard;
mod handler_check;
mod header_const;
mod impl_block;
mod policy_table;
mod shared_evaluator;
