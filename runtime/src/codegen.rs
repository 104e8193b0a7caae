//! What generated code calls. Not for use by hand: it changes with every release.

/// A statement as it is written, in tokens that other macros pass over.
#[doc(hidden)]
#[macro_export]
macro_rules! __statement {
    ($($token:tt)*) => { $($token)* };
}

pub use crate::__statement as statement;

pub use std::{any::type_name_of_val, boxed::Box, option::Option, primitive::str, result::Result};

#[cfg(feature = "client-certificate")]
pub use crate::scheme::ClientCertificate;
pub use crate::{
    authenticate::Authenticate,
    error::AuthError,
    evaluate::check_result::IntoCheckResult,
    evaluate::identity::{FromIdentity, OptionalIdentity},
    evaluate::requirement::{Roles, Scopes},
    evaluate::scheme_check::scheme,
    evaluate::{Plan, all_of, authorize, caught, discard, one_of},
    guard::{Guarded, Named, Serves, Visit, Wiring},
    handler_check::{Door, Policed, Refusable, enter, enter_with_request, head},
    policy::{Access, Checks, Combinator, MethodPolicy},
    scheme::{ApiKey, Basic, Bearer, Scheme},
};
