//! Keys in memory, from code or from a file.

use std::{
    collections::{HashMap, hash_map::Entry},
    error::Error,
    fmt,
    future::ready,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, de::DeserializeOwned};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    format::is_id,
    record::KeyRecord,
    store::{KeyStore, StoredKey},
};
use crate::{
    error::AuthError,
    verifiers::shared::{
        json_error,
        reloading_file::{FileError, ReloadingFile},
    },
};

/// Keys in memory, the default store of [`ApiKeys`](super::ApiKeys).
pub struct KeyTable<I>(ReloadingFile<Keys<I>>);

type Keys<I> = HashMap<Box<str>, StoredKey<I>>;

impl<I: Clone + Send + Sync + 'static> KeyTable<I> {
    pub(super) fn new(
        identities: impl IntoIterator<Item = (I, Vec<KeyRecord>)>,
    ) -> Result<Self, KeyTableError> {
        collect(identities).map(|keys| KeyTable(ReloadingFile::fixed(keys)))
    }

    pub(super) fn from_file(path: PathBuf) -> Result<Self, FileError>
    where
        I: DeserializeOwned,
    {
        ReloadingFile::open(path, parse).map(KeyTable)
    }
}

impl<I: Clone + Send + Sync + 'static> KeyStore<I> for KeyTable<I> {
    fn find(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<Option<StoredKey<I>>, AuthError>> + Send {
        ready(Ok(self.0.load().get(id).cloned()))
    }

    fn find_now(&self, id: &str) -> Option<Result<Option<StoredKey<I>>, AuthError>> {
        Some(Ok(self.0.load().get(id).cloned()))
    }
}

impl<I> fmt::Debug for KeyTable<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyTable")
    }
}

fn collect<I: Clone>(
    identities: impl IntoIterator<Item = (I, Vec<KeyRecord>)>,
) -> Result<Keys<I>, KeyTableError> {
    let mut keys = HashMap::new();
    for (identity, records) in identities {
        for KeyRecord { id, hash, expires } in records {
            if !is_id(&id) {
                return Err(KeyTableError::InvalidId);
            }
            match keys.entry(id.into_boxed_str()) {
                Entry::Occupied(taken) => {
                    return Err(KeyTableError::DuplicateId(taken.key().clone()));
                }
                Entry::Vacant(free) => {
                    free.insert(StoredKey { hash, expires, identity: identity.clone() });
                }
            }
        }
    }
    Ok(keys)
}

// With unknown fields allowed, a key with a misspelt `expires` would never expire.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IdentityEntry<I> {
    identity: I,
    keys: Vec<KeyEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyEntry {
    id: String,
    hash: String,
    expires: Option<String>,
}

fn parse<I: DeserializeOwned + Clone>(
    content: &[u8],
) -> Result<Keys<I>, Box<dyn Error + Send + Sync>> {
    let entries: Vec<IdentityEntry<I>> =
        serde_json::from_slice(content).map_err(|error| json_error::redacted(&error))?;
    let mut identities = Vec::new();
    for entry in entries {
        let records = entry.keys.into_iter().map(record).collect::<Result<_, KeyTableError>>()?;
        identities.push((entry.identity, records));
    }
    Ok(collect(identities)?)
}

fn record(KeyEntry { id, hash, expires }: KeyEntry) -> Result<KeyRecord, KeyTableError> {
    // The id is checked first, because the other errors print it.
    if !is_id(&id) {
        return Err(KeyTableError::InvalidId);
    }
    let Ok(hash) = hash.parse() else {
        return Err(KeyTableError::InvalidHash(id.into()));
    };
    let expires = match expires {
        None => None,
        Some(text) => Some(
            parse_time(&text).ok_or_else(|| KeyTableError::InvalidExpires(id.as_str().into()))?,
        ),
    };
    Ok(KeyRecord { id, hash, expires })
}

/// Parses a time of RFC 3339. Fractions of a second are dropped.
fn parse_time(text: &str) -> Option<SystemTime> {
    let seconds = OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp();
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds.try_into().ok()?))
}

/// Why a set of keys can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyTableError {
    /// An id isn't twelve letters and digits. The error doesn't contain it, because it may be a key.
    InvalidId,
    /// Two keys have this id.
    DuplicateId(Box<str>),
    /// The hash of the key with this id isn't `sha256:` and 64 hexadecimal digits.
    InvalidHash(Box<str>),
    /// The `expires` of the key with this id isn't a time such as `2027-01-31T00:00:00Z` (RFC 3339).
    InvalidExpires(Box<str>),
}

impl fmt::Display for KeyTableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyTableError::InvalidId => {
                f.write_str("the id of a key isn't twelve letters and digits")
            }
            KeyTableError::DuplicateId(id) => write!(f, "two keys have the id {id}"),
            KeyTableError::InvalidHash(id) => {
                write!(f, "the hash of key {id} isn't `sha256:` and 64 hexadecimal digits")
            }
            KeyTableError::InvalidExpires(id) => {
                write!(f, "the `expires` of key {id} isn't a time such as 2027-01-31T00:00:00Z")
            }
        }
    }
}

impl Error for KeyTableError {}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn read(text: &str) -> Result<Keys<String>, String> {
        parse(text.replace("HASH", HASH).as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_are_read_with_identities_and_expiry() {
        let keys = read(
            r#"[
                {"identity": "acme", "keys": [
                    {"id": "aaaaaaaaaaaa", "hash": "HASH"},
                    {"id": "bbbbbbbbbbbb", "hash": "HASH", "expires": "1970-01-01T01:00:10+01:00"}
                ]},
                {"identity": "globex", "keys": []}
            ]"#,
        )
        .unwrap();
        assert_eq!(keys.len(), 2);
        assert_eq!(keys["aaaaaaaaaaaa"].identity, "acme");
        assert_eq!(keys["aaaaaaaaaaaa"].expires, None);
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(10);
        assert_eq!(keys["bbbbbbbbbbbb"].expires, Some(end));
        assert!(read("[]").unwrap().is_empty());
    }

    #[test]
    fn invalid_file_is_rejected_and_not_quoted() {
        let entry = |key: &str| format!(r#"[{{"identity": "acme", "keys": [{key}]}}]"#);
        let twice = r#"{"id": "aaaaaaaaaaaa", "hash": "HASH"}"#;
        for (text, why) in [
            (String::new(), "ends too early"),
            (r#"[{"identity": "acme", "keys": ["#.into(), "ends too early"),
            ("{}".into(), "field"),
            ("[1]".into(), "field"),
            ("[] []".into(), "isn't JSON"),
            (r#"[{"identity": "acme"}]"#.into(), "field"),
            (r#"[{"keys": []}]"#.into(), "field"),
            (r#"[{"identity": 7, "keys": []}]"#.into(), "field"),
            (r#"[{"identity": "acme", "keys": [], "role": "x"}]"#.into(), "field"),
            (entry(r#"{"id": "aaaaaaaaaaaa"}"#), "field"),
            (entry(r#"{"id": "aaaaaaaaaaaa", "hash": "HASH", "expire": "x"}"#), "field"),
            (entry(r#"{"id": "aaaaaaaaaaaa", "hash": "HASH", "hash": "HASH"}"#), "field"),
            (entry(r#"{"id": "aaaaaaaaaaaa", "hash": {"sha256": "secret"}}"#), "field"),
            (entry(r#"{"id": "acme_secret_", "hash": "HASH"}"#), "the id of a key isn't"),
            (entry(r#"{"id": "", "hash": "HASH"}"#), "the id of a key isn't"),
            (entry(r#"{"id": "aaaaaaaaaaaa", "hash": "secret"}"#), "the hash of key aaaaaaaaaaaa"),
            (
                entry(r#"{"id": "aaaaaaaaaaaa", "hash": "HASH", "expires": "secret"}"#),
                "the `expires` of key aaaaaaaaaaaa",
            ),
            (
                entry(r#"{"id": "aaaaaaaaaaaa", "hash": "HASH", "expires": "2027-01-31"}"#),
                "the `expires` of key",
            ),
            (
                entry(
                    r#"{"id": "aaaaaaaaaaaa", "hash": "HASH", "expires": "0000-01-31T00:00:00Z"}"#,
                ),
                "the `expires` of key",
            ),
            (entry(r#"{"id": "aaaaaaaaaaaa", "hash": "HASH", "expires": 1}"#), "field"),
            (entry(&format!("{twice}, {twice}")), "two keys have the id aaaaaaaaaaaa"),
        ] {
            let error = read(&text).map(|_| ()).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn duplicate_and_invalid_ids_are_rejected() {
        let record =
            || KeyRecord { id: "aaaaaaaaaaaa".into(), hash: HASH.parse().unwrap(), expires: None };
        let twice = KeyTable::new([("acme", vec![record()]), ("globex", vec![record()])]);
        assert_eq!(
            twice.map(|_| ()).unwrap_err(),
            KeyTableError::DuplicateId("aaaaaaaaaaaa".into())
        );
        let bad = KeyRecord { id: "a".into(), ..record() };
        assert_eq!(
            KeyTable::new([("acme", vec![bad])]).map(|_| ()).unwrap_err(),
            KeyTableError::InvalidId
        );
    }
}
