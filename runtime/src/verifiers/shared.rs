//! Parts that several verifiers use.

#[cfg(any(feature = "jwt", feature = "introspection"))]
pub(crate) mod claims;
#[cfg(any(feature = "jwt", feature = "_file", feature = "client-certificate"))]
pub(crate) mod digest;
#[cfg(feature = "_file")]
pub(crate) mod json_error;
#[cfg(any(feature = "jwt", feature = "introspection"))]
pub(crate) mod json_text;
#[cfg(any(feature = "jwt", feature = "introspection"))]
pub(crate) mod lifetime;
#[cfg(feature = "_file")]
pub(crate) mod reloading_file;
#[cfg(any(feature = "jwt", feature = "introspection"))]
pub(crate) mod string_or_list;
#[cfg(any(feature = "jwt", feature = "introspection"))]
pub(crate) mod token_kind;
