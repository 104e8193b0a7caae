//! Helpers that the test suites share: generated services, authenticators with known credentials, a server on
//! loopback, a fake identity provider, a log that tests read, and bounded waiting.

mod authenticators;
mod call;
pub mod counted;
mod identities;
#[cfg(feature = "log")]
mod log;
#[cfg(feature = "process")]
pub mod process;
#[cfg(feature = "provider")]
pub mod provider;
#[cfg(feature = "server")]
mod server;
mod temp_file;
mod waiting;

#[cfg(feature = "log")]
pub use self::log::Log;
#[cfg(feature = "server")]
pub use self::server::Running;
pub use self::{
    authenticators::{Keys, Passwords, Tokens},
    call::{challenges, code_and_reason, error_info, reason, request},
    identities::{Caller, Partner, Role, User},
    temp_file::TempFile,
    waiting::{LIMIT, until, within, within_limit},
};

// The code is generated ahead of time, so that trybuild, which builds this crate a second time, builds no
// generator. A test of the server suite compares it with what the protos generate.

/// The services `Kinds` and `Extra` of `proto/kinds.proto`.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub mod pb {
    include!("generated/guard.test.v1.rs");
}

/// The next version of `Extra`: a service of the same name in another package.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub mod later {
    include!("generated/guard.test.v2.rs");
}

/// The services `Shape` and `Other`, of one method each.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub mod shapes {
    include!("generated/guard.shapes.v1.rs");
}

/// The full name of the service that most tests call.
pub const KINDS: &str = "guard.test.v1.Kinds";
