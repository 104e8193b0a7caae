//! Keys in a database file, issued and ended while guarded servers run.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy knows tests by their attribute, and not the functions beside them"
)]

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tonic::{
    Request, Response, Status,
    transport::{Channel, Server},
};
use tonic_guard::{
    Authenticate,
    api_keys::{ApiKeys, GeneratedKey, KeyRecord},
    authenticated, guard,
};
use tonic_guard_sqlite::{Issued, KeyAdmin, KeyInfo, SqliteKeys, StoreError};
use tonic_guard_suite_support::{
    Log, Running, code_and_reason, request,
    shapes::{
        Text,
        shape_client::ShapeClient,
        shape_server::{Shape, ShapeServer},
    },
};

/// The owner of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Partner {
    name: String,
}

fn partner(name: &str) -> Partner {
    Partner { name: name.into() }
}

/// A service whose callers present a key of the database, and which returns their names.
#[derive(Authenticate)]
struct Keyed {
    #[verifies("api-key")]
    keys: ApiKeys<Partner, SqliteKeys>,
}

#[authenticated(scheme = "api-key")]
#[tonic::async_trait]
impl Shape for Keyed {
    async fn call(
        &self,
        _: Request<Text>,
        #[identity] caller: Partner,
    ) -> Result<Response<Text>, Status> {
        Ok(Response::new(Text { text: caller.name }))
    }
}

/// A migrated database in a temporary folder.
struct Database {
    folder: TempDir,
}

impl Database {
    fn new() -> Self {
        let database = Database { folder: tempfile::tempdir().unwrap() };
        database.admin().migrate().unwrap();
        database
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("keys.db")
    }

    fn admin(&self) -> KeyAdmin {
        KeyAdmin::open(self.path()).unwrap()
    }

    /// Issues a key of `name`, and returns the key and its record.
    fn issue(&self, name: &str, expires: Option<SystemTime>) -> (String, KeyRecord) {
        let new = GeneratedKey::new("acme").unwrap();
        let record = KeyRecord { expires, ..new.record().clone() };
        let issued = self.admin().issue(&record, &partner(name), None, "tests").unwrap();
        assert_eq!(issued, Issued::Now);
        (new.key().to_owned(), record)
    }

    fn sql(&self, statement: &str) {
        rusqlite::Connection::open(self.path()).unwrap().execute_batch(statement).unwrap();
    }
}

/// A guarded server on the keys of a database.
struct Serving {
    _server: Running,
    client: ShapeClient<Channel>,
}

impl Serving {
    async fn start(path: &Path) -> Serving {
        let keys = ApiKeys::from_store(SqliteKeys::open(path).unwrap());
        let guarded = guard(Keyed { keys }, ShapeServer::from_arc);
        let server = Running::start(Server::builder().add_service(guarded)).await;
        let client = ShapeClient::new(server.channel().await);
        Serving { _server: server, client }
    }

    /// The caller's name as the handler sees it, or the rejection.
    async fn call(&self, key: &str) -> Result<String, String> {
        let call = request(Text::default(), &[("x-api-key", key)]);
        let response = self.client.clone().call(call).await;
        response.map(|text| text.into_inner().text).map_err(|status| code_and_reason(&status))
    }
}

fn invalid() -> Result<String, String> {
    Err("Unauthenticated API_KEY_INVALID".into())
}

fn expired() -> Result<String, String> {
    Err("Unauthenticated ACCESS_TOKEN_EXPIRED".into())
}

#[tokio::test]
async fn issued_keys_are_admitted_and_others_are_not() {
    let database = Database::new();
    let serving = Serving::start(&database.path()).await;
    let never_stored = GeneratedKey::new("acme").unwrap();
    assert_eq!(serving.call(never_stored.key()).await, invalid());

    // A key that is issued while the server runs is valid at once.
    let (key, record) = database.issue("ada", None);
    assert_eq!(serving.call(&key).await, Ok("ada".into()));
    // The right id with another secret.
    let other = GeneratedKey::new("acme").unwrap();
    database.sql(&format!(
        "UPDATE tonic_guard_keys SET hash = '{}' WHERE id = '{}'",
        other.record().hash,
        record.id
    ));
    assert_eq!(serving.call(&key).await, invalid());
}

#[tokio::test]
async fn a_revoked_key_is_invalid_from_its_commit_on() {
    let database = Database::new();
    let servers = [Serving::start(&database.path()).await, Serving::start(&database.path()).await];
    let (key, record) = database.issue("ada", None);
    let (other, _) = database.issue("eve", None);
    for server in &servers {
        assert_eq!(server.call(&key).await, Ok("ada".into()));
    }
    database.admin().revoke(&record.id, "ops").unwrap();
    for server in &servers {
        assert_eq!(server.call(&key).await, invalid());
        assert_eq!(server.call(&other).await, Ok("eve".into()));
    }
    // However far the clock of the administrator is ahead.
    database
        .sql("UPDATE tonic_guard_keys SET revoked_at = 9000000000000000 WHERE revoked_at NOTNULL");
    assert_eq!(servers[0].call(&key).await, invalid());
}

#[tokio::test]
async fn a_key_ends_at_its_end_which_is_never_put_off() {
    let database = Database::new();
    let serving = Serving::start(&database.path()).await;
    let now = SystemTime::now();
    let (past, _) = database.issue("ada", Some(now - Duration::from_secs(1)));
    assert_eq!(serving.call(&past).await, expired());

    let (key, record) = database.issue("eve", None);
    assert_eq!(serving.call(&key).await, Ok("eve".into()));
    database.admin().expire(&record.id, now, "ops").unwrap();
    assert_eq!(serving.call(&key).await, expired());
    database.admin().expire(&record.id, now + Duration::from_secs(3600), "ops").unwrap();
    assert_eq!(serving.call(&key).await, expired());
}

#[tokio::test]
async fn two_keys_are_valid_during_a_rotation() {
    let database = Database::new();
    let serving = Serving::start(&database.path()).await;
    let (old, record) = database.issue("ada", None);
    let new = GeneratedKey::new("acme").unwrap();
    let mut admin = database.admin();
    let soon = SystemTime::now() + Duration::from_secs(3600);
    admin.rotate(&record.id, new.record(), soon, "ops").unwrap();
    assert_eq!(serving.call(&old).await, Ok("ada".into()));
    assert_eq!(serving.call(new.key()).await, Ok("ada".into()));

    let next = GeneratedKey::new("acme").unwrap();
    admin.rotate(&new.record().id, next.record(), SystemTime::now(), "ops").unwrap();
    assert_eq!(serving.call(new.key()).await, expired());
    assert_eq!(serving.call(next.key()).await, Ok("ada".into()));

    // A revoked key has no successor.
    admin.revoke(&next.record().id, "ops").unwrap();
    let none = GeneratedKey::new("acme").unwrap();
    let rotated = admin.rotate(&next.record().id, none.record(), soon, "ops");
    assert!(matches!(rotated, Err(StoreError::NoSuchKey)), "{rotated:?}");
    assert_eq!(serving.call(none.key()).await, invalid());
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_unavailable_and_never_invalid() {
    let log = Log::of_process();
    let database = Database::new();
    let serving = Serving::start(&database.path()).await;
    for (column, value) in [("hash", "md5:1"), ("identity", "not json"), ("identity", "[1]")] {
        let (key, record) = database.issue("ada", None);
        let mark = log.mark();
        database.sql(&format!(
            "UPDATE tonic_guard_keys SET {column} = '{value}' WHERE id = '{}'",
            record.id
        ));
        let unavailable = Err("Unavailable AUTHENTICATOR_UNAVAILABLE".into());
        assert_eq!(serving.call(&key).await, unavailable, "{column} = {value}");
        log.wait_for_line(mark, &["ERROR", "can't be read", &record.id]).await;
        assert!(!log.since(mark).contains(value), "a stored value is logged");
    }
}

#[tokio::test]
async fn a_store_without_its_tables_is_an_error_at_start_and_unavailable_later() {
    let database = Database { folder: tempfile::tempdir().unwrap() };
    assert!(SqliteKeys::open(database.path()).is_err(), "the file doesn't exist");
    drop(database.admin());
    let opened = SqliteKeys::open(database.path());
    assert!(matches!(opened, Err(StoreError::Schema { found: 0, .. })), "{opened:?}");

    database.admin().migrate().unwrap();
    let serving = Serving::start(&database.path()).await;
    let (key, _) = database.issue("ada", None);
    assert_eq!(serving.call(&key).await, Ok("ada".into()));
    database.sql("DROP TABLE tonic_guard_keys");
    let unavailable = Err("Unavailable AUTHENTICATOR_UNAVAILABLE".into());
    assert_eq!(serving.call(&key).await, unavailable);
}

#[test]
fn the_next_schema_is_accepted_and_the_one_after_is_not() {
    let database = Database::new();
    database.sql("INSERT INTO tonic_guard_schema (version) VALUES (2)");
    assert!(SqliteKeys::open(database.path()).is_ok());
    // This version's migration leaves a newer database as it is.
    database.admin().migrate().unwrap();
    database.sql("INSERT INTO tonic_guard_schema (version) VALUES (3)");
    let opened = SqliteKeys::open(database.path());
    assert!(matches!(opened, Err(StoreError::Schema { found: 3, .. })), "{opened:?}");
}

#[test]
fn the_printed_migrations_make_the_same_database() {
    let database = Database { folder: tempfile::tempdir().unwrap() };
    database.sql(&KeyAdmin::migration_script());
    assert!(SqliteKeys::open(database.path()).is_ok());
    database.admin().migrate().unwrap();
    database.issue("ada", None);
}

#[test]
fn a_repeated_request_issues_no_second_key() {
    let database = Database::new();
    let mut admin = database.admin();
    let records: Vec<_> =
        (0..4).map(|_| GeneratedKey::new("acme").unwrap().record().clone()).collect();
    let ada = partner("ada");
    assert_eq!(admin.issue(&records[0], &ada, Some("r1"), "ops").unwrap(), Issued::Now);
    let earlier = Issued::Earlier { id: records[0].id.clone() };
    assert_eq!(admin.issue(&records[1], &ada, Some("r1"), "ops").unwrap(), earlier);
    // For another owner, or with another end.
    let eve = admin.issue(&records[2], &partner("eve"), Some("r1"), "ops");
    assert!(matches!(eve, Err(StoreError::RequestIdReused)), "{eve:?}");
    let ends = KeyRecord { expires: Some(SystemTime::now()), ..records[3].clone() };
    let ends = admin.issue(&ends, &ada, Some("r1"), "ops");
    assert!(matches!(ends, Err(StoreError::RequestIdReused)), "{ends:?}");
    // The same key twice.
    let twice = admin.issue(&records[0], &ada, Some("r2"), "ops");
    assert!(matches!(twice, Err(StoreError::KeyExists)), "{twice:?}");
    let keys: Vec<KeyInfo<Partner>> = admin.list(None, 100).unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(admin.changes(&records[0].id).unwrap().len(), 1);
}

#[test]
fn two_administrators_at_once_lose_nothing() {
    let database = Database::new();
    let issue_50 = || {
        let mut admin = database.admin();
        for number in 0..50 {
            let new = GeneratedKey::new("acme").unwrap();
            let request = format!("request-{number}");
            admin.issue(new.record(), &partner("ada"), Some(&request), "ops").unwrap();
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(issue_50);
        scope.spawn(issue_50);
    });
    let keys: Vec<KeyInfo<Partner>> = database.admin().list(None, 1000).unwrap();
    assert_eq!(keys.len(), 50, "each request has issued one key");
}

#[test]
fn pages_and_changes_name_every_key_once() {
    let database = Database::new();
    let mut ids: Vec<_> = (0..7).map(|_| database.issue("ada", None).1.id).collect();
    ids.sort();
    let mut admin = database.admin();
    admin.revoke(&ids[0], "eve").unwrap();
    let mut listed = Vec::new();
    loop {
        let after = listed.last().map(|key: &KeyInfo<Partner>| key.id.clone());
        let page = admin.list(after.as_deref(), 3).unwrap();
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    let found: Vec<_> = listed.iter().map(|key| key.id.clone()).collect();
    assert_eq!(found, ids);
    assert!(listed[0].revoked.is_some() && listed[1].revoked.is_none());
    let changes = admin.changes(&ids[0]).unwrap();
    let changes: Vec<_> =
        changes.iter().map(|change| (change.change.as_str(), change.actor.as_str())).collect();
    assert_eq!(changes, [("issue", "tests"), ("revoke", "eve")]);
}

#[test]
fn the_file_holds_no_key() {
    let database = Database::new();
    let (key, record) = database.issue("ada", None);
    let secret = key.rsplit_once('_').unwrap().1;
    let mut found_id = false;
    for entry in std::fs::read_dir(database.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let contains = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        found_id |= contains(&record.id);
        assert!(!contains(secret));
    }
    assert!(found_id, "the test has read the database");
}
