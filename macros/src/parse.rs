//! Reading the arguments of the attributes and the items that they are on.

pub(crate) mod arguments;
pub(crate) mod built_in_scheme;
pub(crate) mod method;
pub(crate) mod schemes;
