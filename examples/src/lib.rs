//! The code that the example programs share: a guarded service, its verifiers and its callers.

mod callers;
mod shop;
mod verifiers;

pub use callers::{Credentials, outcome};
pub use shop::Shop;
pub use verifiers::{Caller, DemoKeys, DemoTokens, Partner, Role, User, demo};

/// The generated code of `proto/hello.proto`.
#[allow(missing_docs, clippy::all)]
pub mod hello {
    tonic::include_proto!("demo.hello.v1");
}

/// The generated code of `proto/orders.proto`.
#[allow(missing_docs, clippy::all)]
pub mod pb {
    tonic::include_proto!("demo.orders.v1");

    /// The descriptors that reflection serves.
    pub const DESCRIPTORS: &[u8] = tonic::include_file_descriptor_set!("orders");
}

/// The generated code of `proto/clock.proto`.
#[allow(missing_docs, clippy::all)]
pub mod clock {
    tonic::include_proto!("demo.clock.v1");
}
