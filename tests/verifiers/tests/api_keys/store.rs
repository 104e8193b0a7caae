//! A custom key store.

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

use crate::{Partner, SECRET, call, forge, new_key, rejected, serve};

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
async fn store_is_queried_once_and_only_with_well_formed_ids() {
    let (good, record) = new_key();
    let rows = Arc::new(HashMap::from([(record.id.clone(), record.clone())]));
    let database = Database { rows, ..Database::default() };
    let serving = serve(ApiKeys::from_store(database.clone())).await;
    let mut before = 0;
    for (key, expected, asked) in [
        (good.clone(), Ok("acme".into()), 1),
        (forge("acme_live", &record.id, SECRET), rejected("API_KEY_INVALID"), 1),
        (new_key().0, rejected("API_KEY_INVALID"), 1),
        (format!("{good}0"), rejected("CREDENTIALS_MALFORMED"), 0),
        ("not-a-key".into(), rejected("CREDENTIALS_MALFORMED"), 0),
    ] {
        assert_eq!(call(&serving, &key).await, expected);
        let now = database.asked.load(Ordering::SeqCst);
        assert_eq!(now - before, asked, "{key}");
        before = now;
    }
}

#[tokio::test]
async fn failing_store_rejects_every_caller() {
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
