//! Connections to a database file.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

use crate::error::StoreError;

/// How long a connection waits for the lock of another. It is shorter than the deadline of an authenticator.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection for administration.
pub(crate) fn writable(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // With a write-ahead log, readers don't wait for writers.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A committed revocation survives a loss of power.
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

/// A connection that can only read.
pub(crate) fn read_only(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}
