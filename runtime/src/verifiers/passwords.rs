//! Passwords of the Basic scheme, verified against Argon2 hashes.
//!
//! ```
//! use tonic::Code;
//! use tonic_guard::passwords::{Parameters, Passwords};
//! # use tonic::{Request, Response, Status};
//! # use tonic_guard::{Authenticate, authenticated};
//!
//! #[derive(Clone)]
//! struct User {
//!     name: String,
//! }
//! # #[tonic::async_trait]
//! # trait Orders {
//! #     async fn list(&self, request: Request<()>) -> Result<Response<String>, Status>;
//! # }
//!
//! #[derive(Authenticate)]
//! struct MyOrders {
//!     #[verifies("basic")]
//!     users: Passwords<User>,
//! }
//!
//! #[authenticated(scheme = "basic")]
//! #[tonic::async_trait]
//! impl Orders for MyOrders {
//!     async fn list(
//!         &self,
//!         _: Request<()>,
//!         #[identity] user: User,
//!     ) -> Result<Response<String>, Status> {
//!         Ok(Response::new(format!("orders of {}", user.name)))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let hash = Parameters::default().hash("open sesame")?;
//! let ada = User { name: "Ada".into() };
//! let orders = MyOrders { users: Passwords::new([("ada", hash, ada)])? };
//!
//! // Admitted: `ada:open sesame`.
//! let mut request = Request::new(());
//! request.metadata_mut().insert("authorization", "Basic YWRhOm9wZW4gc2VzYW1l".parse()?);
//! assert_eq!(orders.list(request).await?.into_inner(), "orders of Ada");
//!
//! // Rejected: `ada:open barley`.
//! let mut request = Request::new(());
//! request.metadata_mut().insert("authorization", "Basic YWRhOm9wZW4gYmFybGV5".parse()?);
//! assert_eq!(orders.list(request).await.unwrap_err().code(), Code::Unauthenticated);
//! # Ok(())
//! # }
//! ```
//!
//! The page [Passwords](crate::manual::passwords) explains the cost of Argon2 and how to bound it.

mod cache;
mod hash;
mod hash_error;
mod hashing_queue;
mod store;
mod table;
mod verifier;

pub use self::{
    hash::{Parameters, PasswordHash},
    hash_error::HashError,
    store::{PasswordStore, StoredPassword},
    table::{UserTable, UserTableError},
    verifier::Passwords,
};
pub use crate::verifiers::shared::reloading_file::FileError;
