//! Random operations on a database and on a model of it: both hold the same keys.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy knows tests by their attribute, and not the functions beside them"
)]

use std::{
    collections::BTreeMap,
    future::Future,
    pin::pin,
    time::{Duration, SystemTime},
};

use proptest::prelude::*;
use tonic_guard::{
    AuthError,
    api_keys::{GeneratedKey, KeyRecord, KeyStore, StoredKey},
};
use tonic_guard_sqlite::{Issued, KeyAdmin, SqliteKeys, StoreError};

/// An operation on one of a few keys, which may exist or not.
#[derive(Clone, Debug)]
enum Operation {
    Issue { key: usize, owner: u8, ends_in: Option<u32> },
    Rotate { old: usize, new: usize, ends_in: u32 },
    Revoke { key: usize },
    Expire { key: usize, ends_in: u32 },
}

const KEYS: usize = 4;

fn operation() -> impl Strategy<Value = Operation> {
    let key = || 0..KEYS;
    prop_oneof![
        (key(), any::<u8>(), proptest::option::of(1..1000_u32))
            .prop_map(|(key, owner, ends_in)| Operation::Issue { key, owner, ends_in }),
        (key(), key(), 1..1000_u32).prop_map(|(old, new, ends_in)| Operation::Rotate {
            old,
            new,
            ends_in
        }),
        key().prop_map(|key| Operation::Revoke { key }),
        (key(), 1..1000_u32).prop_map(|(key, ends_in)| Operation::Expire { key, ends_in }),
    ]
}

/// What the model knows of a key.
#[derive(Clone, Debug, PartialEq)]
struct Known {
    owner: u8,
    expires: Option<SystemTime>,
    revoked: bool,
}

#[derive(Default)]
struct Model(BTreeMap<usize, Known>);

impl Model {
    /// Applies an operation. Returns whether it is possible.
    fn apply(&mut self, operation: &Operation, at: impl Fn(u32) -> SystemTime) -> bool {
        let valid =
            |model: &Model, key: &usize| model.0.get(key).filter(|known| !known.revoked).cloned();
        match operation {
            Operation::Issue { key, owner, ends_in } => {
                let expires = ends_in.map(at);
                let new = Known { owner: *owner, expires, revoked: false };
                !self.0.contains_key(key) && self.0.insert(*key, new).is_none()
            }
            Operation::Rotate { old, new, ends_in } => match valid(self, old) {
                Some(known) if !self.0.contains_key(new) => {
                    self.0.insert(*new, Known { expires: None, ..known });
                    self.end(old, at(*ends_in));
                    true
                }
                _ => false,
            },
            Operation::Revoke { key } => match valid(self, key) {
                Some(known) => self.0.insert(*key, Known { revoked: true, ..known }).is_some(),
                None => false,
            },
            Operation::Expire { key, ends_in } => {
                valid(self, key).is_some() && self.end(key, at(*ends_in))
            }
        }
    }

    fn end(&mut self, key: &usize, at: SystemTime) -> bool {
        if let Some(known) = self.0.get_mut(key) {
            known.expires = Some(known.expires.map_or(at, |earlier| earlier.min(at)));
        }
        true
    }
}

fn apply(
    admin: &mut KeyAdmin,
    records: &[KeyRecord],
    operation: &Operation,
    at: impl Fn(u32) -> SystemTime,
) -> Result<(), StoreError> {
    let record = |key: &usize| records.get(*key).unwrap();
    match operation {
        Operation::Issue { key, owner, ends_in } => {
            let record = KeyRecord { expires: ends_in.map(at), ..record(key).clone() };
            let issued = admin.issue(&record, owner, None, "model")?;
            assert_eq!(issued, Issued::Now);
            Ok(())
        }
        Operation::Rotate { old, new, ends_in } => {
            admin.rotate(&record(old).id, record(new), at(*ends_in), "model")
        }
        Operation::Revoke { key } => admin.revoke(&record(key).id, "model"),
        Operation::Expire { key, ends_in } => admin.expire(&record(key).id, at(*ends_in), "model"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_database_agrees_with_the_model(
        operations in proptest::collection::vec(operation(), 1..24),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.db");
        let mut admin = KeyAdmin::open(&path).unwrap();
        admin.migrate().unwrap();
        let keys = SqliteKeys::open(&path).unwrap();
        let records: Vec<_> =
            (0..KEYS).map(|_| GeneratedKey::new("model").unwrap().record().clone()).collect();
        // Whole seconds, which the database represents exactly.
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000);
        let at = |seconds: u32| start + Duration::from_secs(seconds.into());
        let mut model = Model::default();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for operation in &operations {
            let possible = model.apply(operation, at);
            let applied = apply(&mut admin, &records, operation, at);
            prop_assert_eq!(applied.is_ok(), possible, "{:?}: {:?}", operation, applied);
            for (index, record) in records.iter().enumerate() {
                let found = find(&runtime, &keys, &record.id).unwrap();
                let found = found.map(|key| {
                    assert_eq!(key.hash.to_string(), record.hash.to_string());
                    (key.identity, key.expires)
                });
                let known = model.0.get(&index).filter(|known| !known.revoked);
                prop_assert_eq!(found, known.map(|known| (known.owner, known.expires)));
            }
        }
    }
}

fn find(
    runtime: &tokio::runtime::Runtime,
    keys: &SqliteKeys,
    id: &str,
) -> Result<Option<StoredKey<u8>>, AuthError> {
    let found: std::pin::Pin<&mut (dyn Future<Output = _> + Send)> = pin!(keys.find(id));
    runtime.block_on(found)
}
