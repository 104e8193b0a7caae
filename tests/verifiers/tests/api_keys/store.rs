//! A store of the user's own.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tonic_guard::{
    AuthError,
    api_keys::{ApiKeys, KeyRecord, KeyStore, StoredKey},
};

use crate::{Partner, SECRET, call, forge, new_key, refused, serve};

#[derive(Clone, Default)]
struct Database {
    rows: Arc<HashMap<String, KeyRecord>>,
    asked: Arc<AtomicUsize>,
    state: State,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Up,
    Down,
    Panics,
}

impl KeyStore<Partner> for Database {
    async fn find(&self, id: &str) -> Result<Option<StoredKey<Partner>>, AuthError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        match self.state {
            State::Up => {}
            State::Down => return Err(AuthError::unavailable().because("out of reach")),
            State::Panics => panic!("a store panics"),
        }
        Ok(self.rows.get(id).map(|row| StoredKey {
            hash: row.hash,
            expires: row.expires,
            identity: Partner::new("acme"),
        }))
    }
}

#[tokio::test]
async fn a_store_is_asked_once_and_by_well_formed_ids_alone() {
    let (good, record) = new_key();
    let rows = Arc::new(HashMap::from([(record.id.clone(), record.clone())]));
    let database = Database { rows, ..Database::default() };
    let serving = serve(ApiKeys::from_store(database.clone())).await;
    let mut before = 0;
    for (key, expected, asked) in [
        (good.clone(), Ok("acme".into()), 1),
        (forge("acme_live", &record.id, SECRET), refused("API_KEY_INVALID"), 1),
        (new_key().0, refused("API_KEY_INVALID"), 1),
        (format!("{good}0"), refused("CREDENTIALS_MALFORMED"), 0),
        ("let-me-in".into(), refused("CREDENTIALS_MALFORMED"), 0),
    ] {
        assert_eq!(call(&serving, &key).await, expected);
        let now = database.asked.load(Ordering::SeqCst);
        assert_eq!(now - before, asked, "{key}");
        before = now;
    }
}

#[tokio::test]
async fn a_store_that_fails_lets_nobody_in() {
    let (good, record) = new_key();
    let rows = Arc::new(HashMap::from([(record.id.clone(), record)]));
    for (state, expected) in
        [(State::Down, "Unavailable AUTHENTICATOR_UNAVAILABLE"), (State::Panics, "Internal ")]
    {
        let database = Database { rows: Arc::clone(&rows), state, ..Database::default() };
        let serving = serve(ApiKeys::from_store(database)).await;
        assert_eq!(call(&serving, &good).await.unwrap_err(), expected);
    }
}
