//! The tables, and the migrations that create them.

use rusqlite::{Connection, TransactionBehavior};

use crate::error::StoreError;

/// The statements that bring a database from one schema version to the next. They only add: version N of this
/// crate runs on the schemas N and N+1, so that servers of both versions run side by side while one is deployed.
const MIGRATIONS: &[&str] = &["
CREATE TABLE tonic_guard_keys (
    id TEXT NOT NULL PRIMARY KEY,
    -- `sha256:` and 64 hexadecimal digits. The key itself is stored nowhere.
    hash TEXT NOT NULL,
    -- JSON.
    identity TEXT NOT NULL,
    -- Times are milliseconds since 1970, UTC.
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    -- Makes a repeated request issue no second key.
    request_id TEXT UNIQUE
) STRICT, WITHOUT ROWID;
CREATE TABLE tonic_guard_key_changes (
    number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    key_id TEXT NOT NULL,
    change TEXT NOT NULL,
    actor TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
"];

/// The schema version that this crate writes.
const VERSION: usize = MIGRATIONS.len();

const VERSION_TABLE: &str =
    "CREATE TABLE IF NOT EXISTS tonic_guard_schema (version INTEGER NOT NULL) STRICT";

/// The statements of all migrations, for a database that is migrated by other means.
pub(crate) fn script() -> String {
    let mut script = format!("{VERSION_TABLE};\n");
    for (index, migration) in MIGRATIONS.iter().enumerate() {
        let version = index + 1;
        script += migration.trim();
        script += &format!("\nINSERT INTO tonic_guard_schema (version) VALUES ({version});\n");
    }
    script
}

/// Applies the missing migrations. Of two processes that migrate at once, one waits for the other.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(VERSION_TABLE)?;
    let current = version(&transaction)?;
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(current) {
        transaction.execute_batch(migration)?;
        let version = i64::try_from(index + 1).unwrap_or(i64::MAX);
        transaction.execute("INSERT INTO tonic_guard_schema (version) VALUES (?1)", [version])?;
    }
    transaction.commit()?;
    Ok(())
}

/// Checks that this version of the crate can use the database.
pub(crate) fn check(connection: &Connection) -> Result<(), StoreError> {
    let tables =
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'tonic_guard_schema'";
    let has_versions = connection.query_row(tables, [], |row| row.get::<_, i64>(0))? > 0;
    let found = if has_versions { version(connection)? } else { 0 };
    if (VERSION..=VERSION + 1).contains(&found) {
        Ok(())
    } else {
        Err(StoreError::Schema { expected: VERSION, found })
    }
}

fn version(connection: &Connection) -> Result<usize, StoreError> {
    let version: Option<i64> =
        connection
            .query_row("SELECT max(version) FROM tonic_guard_schema", [], |row| row.get(0))?;
    Ok(usize::try_from(version.unwrap_or(0)).unwrap_or(usize::MAX))
}
