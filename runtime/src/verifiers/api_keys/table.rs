//! Keys in memory: from code, or from a file.

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

use super::{KeyRecord, KeyStore, StoredKey, key::is_id};
use crate::{
    error::AuthError,
    verifiers::shared::reloading_file::{FileError, Watched, json_error},
};

/// Keys in memory. What [`ApiKeys`](super::ApiKeys) asks unless you name a store of your own.
pub struct KeyTable<I>(Watched<Keys<I>>);

type Keys<I> = HashMap<Box<str>, StoredKey<I>>;

impl<I: Clone + Send + Sync + 'static> KeyTable<I> {
    pub(super) fn new(
        identities: impl IntoIterator<Item = (I, Vec<KeyRecord>)>,
    ) -> Result<Self, KeyTableError> {
        collect(identities).map(|keys| KeyTable(Watched::fixed(keys)))
    }

    pub(super) fn from_file(path: PathBuf) -> Result<Self, FileError>
    where
        I: DeserializeOwned,
    {
        Watched::file(path, parse).map(KeyTable)
    }
}

impl<I: Clone + Send + Sync + 'static> KeyStore<I> for KeyTable<I> {
    fn find(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<Option<StoredKey<I>>, AuthError>> + Send {
        ready(Ok(self.0.load().get(id).cloned()))
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
                return Err(KeyTableError::Id);
            }
            match keys.entry(id.into_boxed_str()) {
                Entry::Occupied(taken) => return Err(KeyTableError::Twice(taken.key().clone())),
                Entry::Vacant(free) => {
                    free.insert(StoredKey { hash, expires, identity: identity.clone() });
                }
            }
        }
    }
    Ok(keys)
}

// An unknown field is refused: a misspelt `expires` would leave a key good for ever.
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
        serde_json::from_slice(content).map_err(|error| json_error(&error))?;
    let mut identities = Vec::new();
    for entry in entries {
        let records = entry.keys.into_iter().map(record).collect::<Result<_, KeyTableError>>()?;
        identities.push((entry.identity, records));
    }
    Ok(collect(identities)?)
}

fn record(KeyEntry { id, hash, expires }: KeyEntry) -> Result<KeyRecord, KeyTableError> {
    // First the id: the others are told by it.
    if !is_id(&id) {
        return Err(KeyTableError::Id);
    }
    let Ok(hash) = hash.parse() else {
        return Err(KeyTableError::Hash(id.into()));
    };
    let expires = match expires {
        None => None,
        Some(text) => Some(time(&text).ok_or_else(|| KeyTableError::Expires(id.as_str().into()))?),
    };
    Ok(KeyRecord { id, hash, expires })
}

/// A time as in RFC 3339, to the second.
fn time(text: &str) -> Option<SystemTime> {
    let seconds = OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp();
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds.try_into().ok()?))
}

/// Why keys can't be used together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyTableError {
    /// An id isn't twelve letters and digits. It isn't quoted: it may be a key in the wrong place.
    Id,
    /// Two keys have this id.
    Twice(Box<str>),
    /// The hash of the key with this id isn't `sha256:` and 64 hexadecimal digits.
    Hash(Box<str>),
    /// The end of the key with this id isn't a time such as `2027-01-31T00:00:00Z` (RFC 3339).
    Expires(Box<str>),
}

impl fmt::Display for KeyTableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyTableError::Id => f.write_str("a key's id is twelve letters and digits"),
            KeyTableError::Twice(id) => write!(f, "two keys have the id {id}"),
            KeyTableError::Hash(id) => {
                write!(f, "the hash of key {id} isn't `sha256:` and 64 hexadecimal digits")
            }
            KeyTableError::Expires(id) => {
                write!(f, "the end of key {id} isn't a time such as 2027-01-31T00:00:00Z")
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
    fn keys_are_read_with_their_identities_and_ends() {
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
    fn a_file_that_is_not_exact_is_refused_and_not_quoted() {
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
            (entry(r#"{"id": "acme_secret_", "hash": "HASH"}"#), "a key's id is"),
            (entry(r#"{"id": "", "hash": "HASH"}"#), "a key's id is"),
            (entry(r#"{"id": "aaaaaaaaaaaa", "hash": "secret"}"#), "the hash of key aaaaaaaaaaaa"),
            (
                entry(r#"{"id": "aaaaaaaaaaaa", "hash": "HASH", "expires": "secret"}"#),
                "the end of key aaaaaaaaaaaa",
            ),
            (
                entry(r#"{"id": "aaaaaaaaaaaa", "hash": "HASH", "expires": "2027-01-31"}"#),
                "the end of key",
            ),
            (
                entry(
                    r#"{"id": "aaaaaaaaaaaa", "hash": "HASH", "expires": "0000-01-31T00:00:00Z"}"#,
                ),
                "the end of key",
            ),
            (entry(r#"{"id": "aaaaaaaaaaaa", "hash": "HASH", "expires": 1}"#), "field"),
            (entry(&format!("{twice}, {twice}")), "two keys have the id aaaaaaaaaaaa"),
        ] {
            let told = read(&text).map(|_| ()).unwrap_err();
            assert!(told.contains(why), "{text}: {told}");
            assert!(!told.contains("secret"), "{told}");
        }
    }

    #[test]
    fn one_id_of_two_identities_is_refused() {
        let record =
            || KeyRecord { id: "aaaaaaaaaaaa".into(), hash: HASH.parse().unwrap(), expires: None };
        let twice = KeyTable::new([("acme", vec![record()]), ("globex", vec![record()])]);
        assert_eq!(twice.map(|_| ()).unwrap_err(), KeyTableError::Twice("aaaaaaaaaaaa".into()));
        let bad = KeyRecord { id: "a".into(), ..record() };
        assert_eq!(
            KeyTable::new([("acme", vec![bad])]).map(|_| ()).unwrap_err(),
            KeyTableError::Id
        );
    }
}
