//! What the example programs share: a generated service, its implementation with a line beside each
//! method that says who may call it, the verifiers behind those lines and the callers that try them.

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

    /// What reflection answers with.
    pub const DESCRIPTORS: &[u8] = tonic::include_file_descriptor_set!("orders");
}

/// The generated code of `proto/clock.proto`.
#[allow(missing_docs, clippy::all)]
pub mod clock {
    tonic::include_proto!("demo.clock.v1");
}
