//! Parses the arguments of the attributes, and the items that the attributes are on.

pub(crate) mod arguments;
pub(crate) mod authorized;
pub(crate) mod built_in_scheme;
pub(crate) mod custom_check;
pub(crate) mod identity;
mod inherited_scheme;
pub(crate) mod item;
mod list;
pub(crate) mod method;
mod misplaced_scheme;
mod parentheses;
pub(crate) mod reason;
mod scheme_rules;
pub(crate) mod schemes;
mod unknown_argument;
pub(crate) mod verifies;
