//! Everything that generated code names. It isn't public API: it may change with every release.

/// Expands to its tokens. Attribute macros below `#[authenticated]`, such as `async_trait`, don't rewrite
/// the tokens inside a macro call.
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
    authenticate::{Authenticate, Authenticated, Immediate, decided},
    error::AuthError,
    evaluate::{
        builder::{all_of, one_of, scheme},
        check_result::IntoCheckResult,
        custom_check::authorize,
        evaluator::Evaluator,
        identity::{OptionalIdentity, discard_identity},
        requirement::{Roles, Scopes},
    },
    guard::{
        GuardableServer, Guarded, PolicyVisitor, ServerBinding, ServiceName, handoff::MethodId,
    },
    handler_check::{
        HandlerOutput, SharedPolicy,
        authorized::{IntoCheckedValue, authorize_parameter},
        call_head, check_call, check_call_and_request,
        denied::denied_call,
    },
    policy::{Access, Checks, Combinator, MethodPolicy},
    scheme::{ApiKey, Basic, Bearer, Scheme},
};
