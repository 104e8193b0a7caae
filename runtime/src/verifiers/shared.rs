//! What several verifiers use.

#[cfg(any(feature = "jwt", feature = "introspection"))]
pub(crate) mod claims;
#[cfg(any(feature = "jwt", feature = "introspection"))]
pub(crate) mod lifetime;
#[cfg(feature = "_file")]
pub(crate) mod reloading_file;
#[cfg(any(feature = "jwt", feature = "introspection"))]
pub(crate) mod token_kind;
