use std::time::SystemTime;

use super::hash::KeyHash;
use crate::error::AuthError;

/// A store of API keys.
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
///         // A row that can't be read isn't the caller's fault.
///         let hash = hash.parse().map_err(|error| AuthError::unavailable().because(error))?;
///         Ok(Some(StoredKey { hash, expires: None, identity: Partner { name } }))
///     }
/// }
///
/// # let database = Database { rows: HashMap::new() };
/// let partners = ApiKeys::from_store(database);
/// ```
pub trait KeyStore<I>: Send + Sync {
    /// Finds the key with this id: twelve letters and digits from a caller. Returns `None` if there is
    /// none.
    ///
    /// The caller isn't authenticated yet. Look the key up by its id alone; [`ApiKeys`](super::ApiKeys)
    /// compares the hash.
    ///
    /// # Errors
    /// Return [`AuthError::unavailable`] if the store can't be reached, or if the row can't be read. Any error
    /// rejects the call.
    fn find(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<Option<StoredKey<I>>, AuthError>> + Send;

    /// Finds the key without waiting. `None`, the default, leaves it to [`find`](KeyStore::find).
    ///
    /// A guard decides a call without a future when the store answers here. It must not block the thread.
    fn find_now(&self, id: &str) -> Option<Result<Option<StoredKey<I>>, AuthError>> {
        let _ = id;
        None
    }
}

/// A key in a [`KeyStore`].
#[derive(Clone, Debug)]
pub struct StoredKey<I> {
    /// The hash of the whole key.
    pub hash: KeyHash,
    /// When the key expires. `None` means never.
    pub expires: Option<SystemTime>,
    /// The identity of the key's owner.
    pub identity: I,
}
