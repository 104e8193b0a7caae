//! API keys for [`tonic_guard`] in an SQLite database.
//!
//! [`SqliteKeys`] is the store that a server asks, and [`KeyAdmin`] issues, lists, rotates, revokes and expires
//! keys. Both work on one file, from as many processes of one machine as you like. Only the hashes of keys are
//! stored.
//!
//! | role | what it uses | needs |
//! | --- | --- | --- |
//! | migrate | [`KeyAdmin::migrate`], or the SQL of [`KeyAdmin::migration_script`] | to create tables |
//! | administer | the other methods of [`KeyAdmin`] | to write the file and its folder |
//! | serve | [`SqliteKeys`] | to read the file, and to write the `-shm` file beside it, by which SQLite coordinates readers |

mod admin;
mod connection;
mod error;
mod keys;
mod schema;
mod time;

pub use self::{
    admin::{Change, Issued, KeyAdmin, KeyInfo},
    error::StoreError,
    keys::SqliteKeys,
};
