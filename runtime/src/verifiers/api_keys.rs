//! API keys: a public id, a secret of 256 bits, and only the secret's hash on the server.
//!
//! [`ApiKeys`] checks them, in a header of their own (`"api-key"`) or as bearer tokens.
//! [`GeneratedKey`] makes them. [`StaticToken`] is for a service that has one token and no more.
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
//! // Let in.
//! let mut request = Request::new(());
//! request.metadata_mut().insert("x-api-key", new.key().parse()?);
//! assert_eq!(orders.list(request).await?.into_inner(), "orders of acme");
//!
//! // Refused: a key that nobody knows.
//! let mut request = Request::new(());
//! request.metadata_mut().insert("x-api-key", GeneratedKey::new("acme_live")?.key().parse()?);
//! let refused = orders.list(request).await.unwrap_err();
//! assert_eq!(refused.code(), Code::Unauthenticated);
//! # Ok(())
//! # }
//! ```
//!
//! The page [API keys](crate::manual::api_keys) says how to give keys out, change and take them back.

mod key;
mod static_token;
mod table;

use std::{fmt, marker::PhantomData, path::Path, time::SystemTime};

use serde::de::DeserializeOwned;

pub use self::{
    key::{GenerateError, GeneratedKey, KeyHash, KeyRecord, ParseHashError},
    static_token::{StaticToken, StaticTokenError},
    table::{KeyTable, KeyTableError},
};
pub use crate::verifiers::shared::reloading_file::FileError;
use crate::{
    authenticate::Authenticate,
    error::AuthError,
    scheme::{ApiKey, ApiKeyValue, Bearer, BearerToken},
};

/// Checks API keys, and knows who each stands for.
///
/// A call is refused as
/// - malformed, when its key isn't one that [`GeneratedKey`] makes or its checksum is wrong. No store
///   is asked,
/// - invalid, when nobody has the key's id, or its hash is another,
/// - expired, when the hash is right and the key's time is over. Whoever doesn't know the secret isn't
///   told that there was such a key.
///
/// One identity may have several keys: give out the new one, wait until the old isn't used, take it
/// out.
///
/// `I` is cloned for each call, but for keys of a store of your own. Where that is dear, let it be an
/// `Arc`: scopes and roles pass through.
pub struct ApiKeys<I, S = KeyTable<I>> {
    store: S,
    identity: PhantomData<fn() -> I>,
}

impl<I: Clone + Send + Sync + 'static> ApiKeys<I> {
    /// Keys that the program itself brings, each identity with its own.
    ///
    /// # Errors
    /// When an id isn't twelve letters and digits, or two keys have one.
    pub fn new(
        identities: impl IntoIterator<Item = (I, Vec<KeyRecord>)>,
    ) -> Result<Self, KeyTableError> {
        KeyTable::new(identities).map(ApiKeys::from_store)
    }

    /// Keys in a JSON file, which may be replaced while the server runs.
    ///
    /// ```json
    /// [
    ///   {
    ///     "identity": { "name": "acme" },
    ///     "keys": [
    ///       { "id": "4mTq0ZbW9xKc", "hash": "sha256:9f86d0..", "expires": "2027-01-31T00:00:00Z" },
    ///       { "id": "Zk81mPq0aV3d", "hash": "sha256:60303a.." }
    ///     ]
    ///   }
    /// ]
    /// ```
    ///
    /// `identity` is whatever `I` is read from; a key without `expires` is good until it is taken
    /// out. Replace the file as a whole: write another beside it and rename that. A thread reads it once
    /// a second, so a key that was taken out is refused a second later. A file that can't be read, or
    /// isn't as above, changes nothing: the keys that held before still hold, and an event at the level
    /// ERROR says why.
    ///
    /// # Errors
    /// When the file can't be read, has more than 64 MiB, or isn't as above.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, FileError>
    where
        I: DeserializeOwned,
    {
        KeyTable::from_file(path.as_ref().to_owned()).map(ApiKeys::from_store)
    }
}

impl<I: Send + Sync + 'static, S: KeyStore<I>> ApiKeys<I, S> {
    /// Keys in a store of your own, such as a database.
    pub fn from_store(store: S) -> Self {
        ApiKeys { store, identity: PhantomData }
    }

    async fn check(&self, key: &str) -> Result<I, AuthError> {
        let Some(id) = key::id_of(key) else {
            return Err(
                AuthError::malformed().because("this isn't a key, or its checksum is wrong")
            );
        };
        let presented = KeyHash::of(key);
        let stored = self.store.find(id).await?;
        let known = stored.as_ref().map_or(KeyHash::NOBODYS, |stored| stored.hash);
        let matches = presented.matches(&known);
        match stored {
            None => Err(AuthError::invalid().because(format!("no key has the id {id}"))),
            Some(_) if !matches => {
                Err(AuthError::invalid().because(format!("the key with the id {id} is another")))
            }
            Some(stored) if stored.expires.is_some_and(|end| end <= SystemTime::now()) => {
                Err(AuthError::expired().because(format!("the key with the id {id} is over")))
            }
            Some(stored) => {
                // Which of a partner's keys is still in use is asked before one is taken back.
                tracing::debug!(target: "tonic_guard", key = id, "this API key is right");
                Ok(stored.identity)
            }
        }
    }
}

impl<I: Send + Sync + 'static, S: KeyStore<I>> Authenticate<ApiKey> for ApiKeys<I, S> {
    type Identity = I;

    async fn authenticate(&self, key: ApiKeyValue) -> Result<I, AuthError> {
        self.check(key.as_str()).await
    }
}

impl<I: Send + Sync + 'static, S: KeyStore<I>> Authenticate<Bearer> for ApiKeys<I, S> {
    type Identity = I;

    async fn authenticate(&self, token: BearerToken) -> Result<I, AuthError> {
        self.check(token.as_str()).await
    }

    fn invalid_reason(&self) -> Option<&'static str> {
        Some("API_KEY_INVALID")
    }
}

impl<I, S> fmt::Debug for ApiKeys<I, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeys")
    }
}

/// Where keys are kept.
///
/// ```
/// use std::collections::HashMap;
/// use tonic_guard::AuthError;
/// use tonic_guard::api_keys::{ApiKeys, KeyStore, StoredKey};
///
/// struct Partner {
///     name: String,
/// }
///
/// struct Database {
///     // ..
/// #   rows: HashMap<String, (String, String)>,
/// }
/// # impl Database {
/// #     async fn row(&self, id: &str) -> Result<Option<(String, String)>, std::io::Error> {
/// #         Ok(self.rows.get(id).cloned())
/// #     }
/// # }
///
/// impl KeyStore<Partner> for Database {
///     async fn find(&self, id: &str) -> Result<Option<StoredKey<Partner>>, AuthError> {
///         let unavailable = |error| AuthError::unavailable().because(error);
///         let Some((hash, name)) = self.row(id).await.map_err(unavailable)? else {
///             return Ok(None);
///         };
///         let hash = hash.parse().map_err(|error| AuthError::invalid().because(error))?;
///         Ok(Some(StoredKey { hash, expires: None, identity: Partner { name } }))
///     }
/// }
///
/// # let database = Database { rows: HashMap::new() };
/// let partners = ApiKeys::from_store(database);
/// ```
pub trait KeyStore<I>: Send + Sync {
    /// The key with this id: twelve letters and digits that a caller has presented. `None` when there
    /// is none.
    ///
    /// Nothing is known of the caller yet. Ask by the id alone, and leave the rest to [`ApiKeys`].
    ///
    /// # Errors
    /// [`AuthError::unavailable`] when the store can't tell now. Another one refuses the call too.
    fn find(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<Option<StoredKey<I>>, AuthError>> + Send;
}

/// A key as its store knows it.
#[derive(Clone, Debug)]
pub struct StoredKey<I> {
    /// The hash of the whole key.
    pub hash: KeyHash,
    /// When the key stops being good. `None` is never.
    pub expires: Option<SystemTime>,
    /// Who it stands for.
    pub identity: I,
}
