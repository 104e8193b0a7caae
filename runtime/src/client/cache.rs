//! The credential that all calls of a channel share, and the fetch that renews it.
//!
//! Nothing is fetched while no call needs a credential. A fetch runs in its own task, so a cancelled call
//! doesn't cancel it for others, on the runtime of the call that began it. If that runtime is shut down, or
//! nobody drives it, a waiting call begins another fetch on its own runtime.

mod credential_cache;
mod state;
#[cfg(test)]
mod tests;

pub(super) use self::credential_cache::{CredentialCache, Lookup, Renewal};
