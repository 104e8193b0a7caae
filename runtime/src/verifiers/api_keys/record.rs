use std::{fmt, time::SystemTime};

use super::hash::KeyHash;

/// The part of a key that a server stores. It prints as the key's entry in a file, without `expires`.
#[derive(Clone, Debug)]
pub struct KeyRecord {
    /// The key's id: twelve letters and digits. It isn't secret.
    pub id: String,
    /// The hash of the whole key.
    pub hash: KeyHash,
    /// When the key expires. `None` means never.
    pub expires: Option<SystemTime>,
}

/// Formats the record as JSON, without `expires`.
impl fmt::Display for KeyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r#"{{"id": "{}", "hash": "{}"}}"#, self.id, self.hash)
    }
}
