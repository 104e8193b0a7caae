//! Parses the arguments of the attributes, and the items that the attributes are on.

pub(crate) mod arguments;
pub(crate) mod built_in_scheme;
pub(crate) mod identity;
pub(crate) mod item;
pub(crate) mod custom_check;
mod inherited_scheme;
mod list;
pub(crate) mod method;
mod misplaced_scheme;
mod parentheses;
pub(crate) mod reason;
mod scheme_rules;
pub(crate) mod schemes;
mod unknown_argument;
pub(crate) mod verifies;
