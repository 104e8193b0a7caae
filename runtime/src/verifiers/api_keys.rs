//! API keys with a public id and a secret of 256 bits. The server stores only their hashes.
//!
//! [`ApiKeys`] verifies them, as API keys (`"api-key"`) or as bearer tokens. [`GeneratedKey`] creates
//! them. [`StaticToken`] is for a service with a single token.
//!
//! ```
//! use tonic::Code;
//! use tonic_guard::api_keys::{ApiKeys, GeneratedKey};
//! # use tonic::{Request, Response, Status};
//! # use tonic_guard::{Authenticate, authenticated};
//!
//! #[derive(Clone)]
//! struct Partner {
//!     name: String,
//! }
//! # #[tonic::async_trait]
//! # trait Orders {
//! #     async fn list(&self, request: Request<()>) -> Result<Response<String>, Status>;
//! # }
//!
//! #[derive(Authenticate)]
//! struct MyOrders {
//!     #[verifies("api-key")]
//!     partners: ApiKeys<Partner>,
//! }
//!
//! #[authenticated(scheme = "api-key")]
//! #[tonic::async_trait]
//! impl Orders for MyOrders {
//!     async fn list(
//!         &self,
//!         _: Request<()>,
//!         #[identity] partner: Partner,
//!     ) -> Result<Response<String>, Status> {
//!         Ok(Response::new(format!("orders of {}", partner.name)))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let new = GeneratedKey::new("acme_live")?;
//! let acme = Partner { name: "acme".into() };
//! let orders = MyOrders { partners: ApiKeys::new([(acme, vec![new.record().clone()])])? };
//!
//! // Admitted.
//! let mut request = Request::new(());
//! request.metadata_mut().insert("x-api-key", new.key().parse()?);
//! assert_eq!(orders.list(request).await?.into_inner(), "orders of acme");
//!
//! // Rejected: an unknown key.
//! let mut request = Request::new(());
//! request.metadata_mut().insert("x-api-key", GeneratedKey::new("acme_live")?.key().parse()?);
//! let rejection = orders.list(request).await.unwrap_err();
//! assert_eq!(rejection.code(), Code::Unauthenticated);
//! # Ok(())
//! # }
//! ```
//!
//! The page [API keys](crate::manual::api_keys) explains how to issue, rotate and revoke keys.

mod format;
mod generated_key;
mod hash;
mod record;
mod static_token;
mod store;
mod table;
mod verifier;

pub use self::{
    generated_key::{GenerateError, GeneratedKey},
    hash::{KeyHash, ParseHashError},
    record::KeyRecord,
    static_token::{StaticToken, StaticTokenError},
    store::{KeyStore, StoredKey},
    table::{KeyTable, KeyTableError},
    verifier::ApiKeys,
};
pub use crate::verifiers::shared::reloading_file::FileError;
