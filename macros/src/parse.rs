//! Parses the arguments of the attributes, and the items that the attributes are on.

pub(crate) mod anonymous;
pub(crate) mod arguments;
pub(crate) mod built_in_scheme;
pub(crate) mod identity;
pub(crate) mod item;
mod list;
pub(crate) mod method;
mod misplaced_scheme;
mod parentheses;
mod scheme_rules;
pub(crate) mod schemes;
mod unknown_argument;
pub(crate) mod verifies;
