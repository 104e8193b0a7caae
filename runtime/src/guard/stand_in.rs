//! What stands in for the check at a method's own door.

use crate::{guard::handoff::Proof, in_process::CallAs};

/// A request's extensions hold one of both at most: what is put there last counts.
#[derive(Clone)]
pub(crate) enum StandIn {
    /// The front door has made the check. Its guard's `ErrorInfo` domain is beside it.
    Proof(Proof, &'static str),
    /// Code of this process says who calls.
    CallAs(CallAs),
}
