//! The store that a server asks.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{Connection, OptionalExtension};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tonic_guard::{
    AuthError,
    api_keys::{KeyStore, StoredKey},
};

use crate::{connection, error::StoreError, schema, time::from_millis};

/// How many threads read the database at once.
const MAX_READERS: usize = 4;

/// The keys of a database file, for [`ApiKeys`](tonic_guard::api_keys::ApiKeys).
///
/// It only reads, on connections that can't write, and asks the database for every call. The identity is
/// deserialized as the `I` of the `ApiKeys`.
///
/// Stop the servers before another file takes the place of this one, such as a restored backup: open connections
/// go on reading the file that they opened.
///
/// A revoked key is rejected as invalid from the moment at which its revocation is committed. A key whose row
/// can't be read, because its hash or its identity has another form, is UNAVAILABLE and never invalid: the
/// caller has done nothing wrong. An event at the level ERROR names the key.
///
/// ```no_run
/// use serde::Deserialize;
/// use tonic_guard::api_keys::ApiKeys;
/// use tonic_guard_sqlite::SqliteKeys;
///
/// #[derive(Deserialize)]
/// struct Partner {
///     name: String,
/// }
///
/// let partners: ApiKeys<Partner, SqliteKeys> = ApiKeys::from_store(SqliteKeys::open("keys.db")?);
/// # Ok::<(), tonic_guard_sqlite::StoreError>(())
/// ```
pub struct SqliteKeys(Arc<Readers>);

struct Readers {
    path: PathBuf,
    /// Connections that no call uses.
    idle: Mutex<Vec<Connection>>,
    /// One permit for each connection.
    permits: Semaphore,
}

/// A row of the table of keys.
struct KeyRow {
    hash: String,
    identity: String,
    expires_at: Option<i64>,
    is_revoked: bool,
}

impl SqliteKeys {
    /// Opens the database file at `path`.
    ///
    /// # Errors
    /// Returns an error if the file doesn't exist, or if its schema isn't that of this version or of the next.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        let connection = connection::read_only(&path)?;
        schema::check(&connection)?;
        let idle = Mutex::new(vec![connection]);
        Ok(SqliteKeys(Arc::new(Readers { path, idle, permits: Semaphore::new(MAX_READERS) })))
    }

    async fn row(&self, id: &str) -> Result<Option<KeyRow>, StoreError> {
        // Calls wait here and not on tokio's threads for blocking work, whose number has another purpose.
        let _permit = self.0.permits.acquire().await.map_err(|_| StoreError::Interrupted)?;
        let (readers, id) = (Arc::clone(&self.0), id.to_owned());
        let found = tokio::task::spawn_blocking(move || readers.find(&id)).await;
        found.map_err(|_| StoreError::Interrupted)?
    }
}

impl Readers {
    fn find(&self, id: &str) -> Result<Option<KeyRow>, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connection::read_only(&self.path)?,
        };
        let row = find(&connection, id);
        // A connection that has failed isn't used again.
        if row.is_ok() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        row
    }
}

fn find(connection: &Connection, id: &str) -> Result<Option<KeyRow>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT hash, identity, expires_at, revoked_at IS NOT NULL FROM tonic_guard_keys WHERE id = ?1",
    )?;
    let row = statement.query_row([id], |row| {
        Ok(KeyRow {
            hash: row.get(0)?,
            identity: row.get(1)?,
            expires_at: row.get(2)?,
            is_revoked: row.get(3)?,
        })
    });
    Ok(row.optional()?)
}

impl<I: DeserializeOwned> KeyStore<I> for SqliteKeys {
    async fn find(&self, id: &str) -> Result<Option<StoredKey<I>>, AuthError> {
        let unavailable = |error| AuthError::unavailable().because(error);
        let Some(row) = self.row(id).await.map_err(unavailable)? else { return Ok(None) };
        // Whatever the time of its revocation: the clocks of two machines may differ.
        if row.is_revoked {
            return Ok(None);
        }
        let unreadable = |what: &'static str| {
            tracing::error!(target: "tonic_guard", key = id, what, "a row of the key store can't be read");
            AuthError::unavailable().because(what)
        };
        let hash = row.hash.parse().map_err(|_| unreadable("the hash has another form"))?;
        let identity = serde_json::from_str(&row.identity)
            .map_err(|_| unreadable("the identity has another form"))?;
        Ok(Some(StoredKey { hash, expires: row.expires_at.map(from_millis), identity }))
    }
}

impl fmt::Debug for SqliteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteKeys").field("path", &self.0.path).finish_non_exhaustive()
    }
}
