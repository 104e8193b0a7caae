//! Why an operation on the store fails.

use std::{error::Error, fmt};

/// Why an operation on the store fails.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// SQLite failed, or the file isn't a database.
    Database(rusqlite::Error),
    /// The database has another schema than this version of the crate needs: call
    /// [`KeyAdmin::migrate`](crate::KeyAdmin::migrate).
    Schema {
        /// The version that this crate writes. It also runs on the next one.
        expected: usize,
        /// The version of the database; 0 if it has none.
        found: usize,
    },
    /// The identity can't be written as JSON, or a stored one can't be read as the identity's type.
    Identity(serde_json::Error),
    /// The key doesn't exist, or it is revoked.
    NoSuchKey,
    /// The request id was used for a key with another identity or another end.
    RequestIdReused,
    /// A key with this id exists already.
    KeyExists,
    /// The thread that ran the operation has ended.
    Interrupted,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Database(_) => f.write_str("the database failed"),
            StoreError::Schema { expected, found } => write!(
                f,
                "expected the schema version {expected} or the next, found {found}: migrate the database first"
            ),
            StoreError::Identity(_) => f.write_str("the identity isn't valid JSON of its type"),
            StoreError::NoSuchKey => f.write_str("the key doesn't exist, or it is revoked"),
            StoreError::RequestIdReused => {
                f.write_str("the request id was used for another identity or another end")
            }
            StoreError::KeyExists => f.write_str("a key with this id exists already"),
            StoreError::Interrupted => f.write_str("the operation was interrupted"),
        }
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            StoreError::Database(error) => Some(error),
            StoreError::Identity(error) => Some(error),
            _ => None,
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        StoreError::Database(error)
    }
}
