//! The handler check of a method that nobody may call.

use tonic::Status;

use super::{error_domain, target};
use crate::{
    evaluate::{description::PolicyDescription, rejection::Rejection},
    guard::handoff::MethodId,
    reason::Reason,
    scheme::CallHead,
};

/// The rejection of a call of `method`, whatever the call carries: credentials, the handoff of a guard, or an
/// injected identity.
pub fn denied_call(method: &'static str, head: CallHead<'_>) -> Status {
    let description = PolicyDescription::empty();
    let rejection = target(MethodId { policy: 0, method })
        .emit_rejected(Rejection::new(Reason::Denied), || description.clone());
    rejection.into_status(&description, error_domain(&head), None)
}
