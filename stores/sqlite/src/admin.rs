//! Administration of keys: issue, rotate, revoke, expire, list.

use std::{path::Path, time::SystemTime};

use rusqlite::{
    Connection, ErrorCode, OptionalExtension, Row, Transaction, TransactionBehavior, params,
};
use serde::{Serialize, de::DeserializeOwned};
use tonic_guard::api_keys::KeyRecord;

use crate::{
    connection,
    error::StoreError,
    schema,
    time::{from_millis, to_millis},
};

/// Administers the keys of a database file.
///
/// Each change and who made it are committed in one transaction. The operations block; in an async
/// function, run them in `tokio::task::spawn_blocking`.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tonic_guard::api_keys::GeneratedKey;
/// use tonic_guard_sqlite::{Issued, KeyAdmin};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("keys.db");
/// let mut keys = KeyAdmin::open(path)?;
/// keys.migrate()?;
///
/// let new = GeneratedKey::new("acme")?;
/// let issued = keys.issue(new.record(), &"acme", Some("request-1"), "ada@example.com")?;
/// assert_eq!(issued, Issued::Now);
/// // The same request again makes no second key.
/// let again = GeneratedKey::new("acme")?;
/// let repeated = keys.issue(again.record(), &"acme", Some("request-1"), "ada@example.com")?;
/// assert_eq!(repeated, Issued::Earlier { id: new.record().id.clone() });
///
/// // Both keys are valid for a day.
/// let next = GeneratedKey::new("acme")?;
/// let tomorrow = SystemTime::now() + Duration::from_secs(24 * 60 * 60);
/// keys.rotate(&new.record().id, next.record(), tomorrow, "ada@example.com")?;
/// keys.revoke(&new.record().id, "ada@example.com")?;
/// // Rejected: the key is revoked already.
/// assert!(keys.revoke(&new.record().id, "ada@example.com").is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct KeyAdmin {
    connection: Connection,
}

/// The outcome of [`KeyAdmin::issue`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Issued {
    /// The key was stored.
    Now,
    /// A request with the same id has issued a key before. The new key wasn't stored and isn't valid.
    Earlier {
        /// The id of the key that was issued then. If its caller never received it, rotate it.
        id: String,
    },
}

/// A key as it is listed, without its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyInfo<I> {
    /// The key's id.
    pub id: String,
    /// The identity of its owner.
    pub identity: I,
    /// When it was issued.
    pub created: SystemTime,
    /// When it expires. `None` means never.
    pub expires: Option<SystemTime>,
    /// When it was revoked, if it is.
    pub revoked: Option<SystemTime>,
}

/// One change of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The key's id.
    pub key_id: String,
    /// `issue`, `rotate`, `revoke` or `expire`.
    pub change: String,
    /// Who made it, as the caller of the operation stated.
    pub actor: String,
    /// When it was made.
    pub at: SystemTime,
}

impl KeyAdmin {
    /// Opens the database file at `path`, or creates an empty one.
    ///
    /// # Errors
    /// Returns an error if the file can't be opened or isn't a database.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Ok(KeyAdmin { connection: connection::writable(path.as_ref())? })
    }

    /// Creates the tables, or brings them to the version of this crate. Nothing else changes the schema.
    ///
    /// Migrations only add, so servers of this version and of the one before go on running.
    ///
    /// # Errors
    /// Returns an error if the database can't be written.
    pub fn migrate(&mut self) -> Result<(), StoreError> {
        schema::migrate(&mut self.connection)
    }

    /// The SQL of all migrations, for a database that is migrated by other means.
    pub fn migration_script() -> String {
        schema::script()
    }

    /// Stores a key of `identity`. `actor` is who issues it, for the table of changes.
    ///
    /// With a `request_id`, a repeated request stores no second key.
    ///
    /// # Errors
    /// Returns [`StoreError::RequestIdReused`] if the request id was used for another identity or another
    /// end, [`StoreError::KeyExists`] if there is a key with this id, and an error if the database can't be
    /// written.
    pub fn issue<I: Serialize>(
        &mut self,
        key: &KeyRecord,
        identity: &I,
        request_id: Option<&str>,
        actor: &str,
    ) -> Result<Issued, StoreError> {
        let identity = serde_json::to_string(identity).map_err(StoreError::Identity)?;
        let transaction = begin(&mut self.connection)?;
        if let Some(request_id) = request_id {
            let earlier = transaction
                .query_row(
                    "SELECT id, identity, expires_at FROM tonic_guard_keys WHERE request_id = ?1",
                    [request_id],
                    |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?)),
                )
                .optional()?;
            if let Some((id, earlier, expires)) = earlier {
                let expires: Option<i64> = expires;
                return if earlier == identity && expires == key.expires.map(to_millis) {
                    Ok(Issued::Earlier { id })
                } else {
                    Err(StoreError::RequestIdReused)
                };
            }
        }
        insert(&transaction, key, &identity, request_id)?;
        record_change(&transaction, &key.id, "issue", actor)?;
        transaction.commit()?;
        Ok(Issued::Now)
    }

    /// Stores `new` as a second key of the owner of the key `old_id`, which stays valid until `old_ends`, or
    /// until its own end if that is earlier.
    ///
    /// # Errors
    /// Returns [`StoreError::NoSuchKey`] if the key `old_id` doesn't exist or is revoked, and the errors of
    /// [`issue`](KeyAdmin::issue).
    pub fn rotate(
        &mut self,
        old_id: &str,
        new: &KeyRecord,
        old_ends: SystemTime,
        actor: &str,
    ) -> Result<(), StoreError> {
        let transaction = begin(&mut self.connection)?;
        let identity: Option<String> = transaction
            .query_row(
                "SELECT identity FROM tonic_guard_keys WHERE id = ?1 AND revoked_at IS NULL",
                [old_id],
                |row| row.get(0),
            )
            .optional()?;
        let identity = identity.ok_or(StoreError::NoSuchKey)?;
        insert(&transaction, new, &identity, None)?;
        set_end(&transaction, old_id, old_ends)?;
        record_change(&transaction, old_id, "rotate", actor)?;
        record_change(&transaction, &new.id, "issue", actor)?;
        transaction.commit()?;
        Ok(())
    }

    /// Revokes a key. It is never valid again.
    ///
    /// # Errors
    /// Returns [`StoreError::NoSuchKey`] if the key doesn't exist or is revoked already, and an error if
    /// the database can't be written.
    pub fn revoke(&mut self, id: &str, actor: &str) -> Result<(), StoreError> {
        let transaction = begin(&mut self.connection)?;
        let changed = transaction.execute(
            "UPDATE tonic_guard_keys SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL",
            params![id, to_millis(SystemTime::now())],
        )?;
        if changed == 0 {
            return Err(StoreError::NoSuchKey);
        }
        record_change(&transaction, id, "revoke", actor)?;
        transaction.commit()?;
        Ok(())
    }

    /// Lets a key end at `at`, or at its own end if that is earlier: an end is never put off.
    ///
    /// # Errors
    /// Returns [`StoreError::NoSuchKey`] if the key doesn't exist or is revoked, and an error if the
    /// database can't be written.
    pub fn expire(&mut self, id: &str, at: SystemTime, actor: &str) -> Result<(), StoreError> {
        let transaction = begin(&mut self.connection)?;
        if set_end(&transaction, id, at)? == 0 {
            return Err(StoreError::NoSuchKey);
        }
        record_change(&transaction, id, "expire", actor)?;
        transaction.commit()?;
        Ok(())
    }

    /// Lists at most `limit` keys in the order of their ids, those after the id `after`.
    ///
    /// # Errors
    /// Returns an error if the database can't be read, or if an identity isn't an `I`.
    pub fn list<I: DeserializeOwned>(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<KeyInfo<I>>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, identity, created_at, expires_at, revoked_at FROM tonic_guard_keys
             WHERE id > ?1 ORDER BY id LIMIT ?2",
        )?;
        let time = |row: &Row<'_>, column| -> rusqlite::Result<Option<SystemTime>> {
            Ok(row.get::<_, Option<i64>>(column)?.map(from_millis))
        };
        let rows = statement.query_map(params![after.unwrap_or_default(), limit], |row| {
            let key: KeyInfo<String> = KeyInfo {
                id: row.get(0)?,
                identity: row.get::<_, String>(1)?,
                created: from_millis(row.get(2)?),
                expires: time(row, 3)?,
                revoked: time(row, 4)?,
            };
            Ok(key)
        })?;
        rows.map(|row| {
            let KeyInfo { id, identity, created, expires, revoked } = row?;
            let identity = serde_json::from_str(&identity).map_err(StoreError::Identity)?;
            Ok(KeyInfo { id, identity, created, expires, revoked })
        })
        .collect()
    }

    /// The changes of one key, the first one first.
    ///
    /// # Errors
    /// Returns an error if the database can't be read.
    pub fn changes(&self, id: &str) -> Result<Vec<Change>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT key_id, change, actor, at FROM tonic_guard_key_changes WHERE key_id = ?1 ORDER BY number",
        )?;
        let rows = statement.query_map([id], |row| {
            Ok(Change {
                key_id: row.get(0)?,
                change: row.get(1)?,
                actor: row.get(2)?,
                at: from_millis(row.get(3)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Begins a transaction that holds the lock for writing from its first statement: what it reads can't change
/// before it writes.
fn begin(connection: &mut Connection) -> Result<Transaction<'_>, StoreError> {
    Ok(connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
}

fn insert(
    transaction: &Transaction<'_>,
    key: &KeyRecord,
    identity: &str,
    request_id: Option<&str>,
) -> Result<(), StoreError> {
    let inserted = transaction.execute(
        "INSERT INTO tonic_guard_keys (id, hash, identity, created_at, expires_at, request_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            key.id,
            key.hash.to_string(),
            identity,
            to_millis(SystemTime::now()),
            key.expires.map(to_millis),
            request_id,
        ],
    );
    match inserted {
        Ok(_) => Ok(()),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            Err(StoreError::KeyExists)
        }
        Err(error) => Err(error.into()),
    }
}

/// Brings the end of a key forward to `at`. Returns how many keys there are with this id, 0 or 1.
fn set_end(transaction: &Transaction<'_>, id: &str, at: SystemTime) -> Result<usize, StoreError> {
    Ok(transaction.execute(
        "UPDATE tonic_guard_keys SET expires_at = min(coalesce(expires_at, ?2), ?2)
         WHERE id = ?1 AND revoked_at IS NULL",
        params![id, to_millis(at)],
    )?)
}

fn record_change(
    transaction: &Transaction<'_>,
    id: &str,
    change: &str,
    actor: &str,
) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT INTO tonic_guard_key_changes (key_id, change, actor, at) VALUES (?1, ?2, ?3, ?4)",
        params![id, change, actor, to_millis(SystemTime::now())],
    )?;
    Ok(())
}
