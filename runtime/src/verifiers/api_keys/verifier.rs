use std::{fmt, marker::PhantomData, path::Path, time::SystemTime};

use serde::de::DeserializeOwned;

use super::{
    format,
    hash::KeyHash,
    record::KeyRecord,
    store::{KeyStore, StoredKey},
    table::{KeyTable, KeyTableError},
};
use crate::{
    authenticate::{Authenticate, Authenticated, Immediate},
    error::AuthError,
    scheme::{ApiKey, ApiKeyValue, Bearer, BearerToken},
    verifiers::shared::reloading_file::FileError,
};

/// Verifies API keys. The identity is that of the key's owner.
///
/// A call is rejected as
/// - malformed, if its key doesn't have the format of a [`GeneratedKey`](super::GeneratedKey) or has a
///   wrong checksum. The store isn't asked.
/// - invalid, if the key's id is unknown or its hash is different.
/// - expired, if the hash matches and the key has expired. Without the secret, a caller doesn't learn
///   that the key existed.
///
/// An identity may have several keys. To rotate a key, issue a new one, wait until the old one isn't used
/// any more, and remove it.
///
/// A [`KeyTable`] clones `I` for each call. If that is expensive, use an `Arc`, which passes scopes and
/// roles through.
pub struct ApiKeys<I, S = KeyTable<I>> {
    store: S,
    identity: PhantomData<fn() -> I>,
}

impl<I: Clone + Send + Sync + 'static> ApiKeys<I> {
    /// Keys from code: each identity with its keys.
    ///
    /// # Errors
    /// Returns an error if an id isn't twelve letters and digits, or if two keys have the same id.
    pub fn new(
        identities: impl IntoIterator<Item = (I, Vec<KeyRecord>)>,
    ) -> Result<Self, KeyTableError> {
        KeyTable::new(identities).map(ApiKeys::from_store)
    }

    /// Keys from a JSON file, which may be replaced while the server runs.
    ///
    /// ```json
    /// [
    ///   {
    ///     "identity": { "name": "acme" },
    ///     "keys": [
    ///       { "id": "4mTq0ZbW9xKc", "hash": "sha256:9f86d0..", "expires": "2027-01-31T00:00:00Z" },
    ///       { "id": "Zk81mPq0aV3d", "hash": "sha256:60303a.." }
    ///     ]
    ///   }
    /// ]
    /// ```
    ///
    /// `identity` is deserialized as `I`. A key without `expires` is valid until it is removed. Replace the
    /// file as a whole: write a new file beside it and rename that. A thread reads the file once a second,
    /// so a removed key is rejected a second later. If the new file can't be read or isn't valid, the
    /// previous keys stay valid and an event at the level ERROR has the cause.
    ///
    /// # Errors
    /// Returns an error if the file can't be read, has more than 64 MiB, or doesn't have this format.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, FileError>
    where
        I: DeserializeOwned,
    {
        KeyTable::from_file(path.as_ref().to_owned()).map(ApiKeys::from_store)
    }
}

impl<I: Send + Sync + 'static, S: KeyStore<I>> ApiKeys<I, S> {
    /// Keys from a custom store, such as a database.
    pub fn from_store(store: S) -> Self {
        ApiKeys { store, identity: PhantomData }
    }

    async fn verify(&self, key: &str) -> Result<I, AuthError> {
        let id = id_of(key)?;
        Self::check(key, id, self.store.find(id).await?)
    }

    /// Verifies a key that the store finds without waiting, and defers other credentials.
    fn verify_now<C>(&self, credentials: C, key: impl Fn(&C) -> &str) -> Immediate<I, C> {
        let key = key(&credentials);
        let verified = match id_of(key) {
            Ok(id) => self.store.find_now(id).map(|found| Self::check(key, id, found?)),
            Err(error) => Some(Err(error)),
        };
        match verified {
            Some(verified) => Immediate::Decided(verified.map(Authenticated::from)),
            None => Immediate::Deferred(credentials),
        }
    }

    /// Compares a presented key with the one that is stored under its id.
    fn check(key: &str, id: &str, stored: Option<StoredKey<I>>) -> Result<I, AuthError> {
        let presented = KeyHash::of(key);
        let expected = stored.as_ref().map_or(KeyHash::DUMMY, |stored| stored.hash);
        let matches = presented.matches(&expected);
        match stored {
            None => Err(AuthError::invalid().because(format!("no key has the id {id}"))),
            Some(_) if !matches => Err(AuthError::invalid()
                .because(format!("the key with the id {id} has a different hash"))),
            Some(stored) if stored.expires.is_some_and(|end| end <= SystemTime::now()) => {
                Err(AuthError::expired().because(format!("the key with the id {id} has expired")))
            }
            Some(stored) => {
                // Shows an operator whether a key is still used before it is removed.
                tracing::debug!(target: "tonic_guard", key = id, "the API key is valid");
                Ok(stored.identity)
            }
        }
    }
}

fn id_of(key: &str) -> Result<&str, AuthError> {
    format::id_of(key).ok_or_else(|| {
        AuthError::malformed()
            .because("the key doesn't have the format of an API key, or its checksum is wrong")
    })
}

impl<I: Send + Sync + 'static, S: KeyStore<I>> Authenticate<ApiKey> for ApiKeys<I, S> {
    type Identity = I;

    async fn authenticate(&self, key: ApiKeyValue) -> Result<Authenticated<I>, AuthError> {
        self.verify(key.as_str()).await.map(Authenticated::from)
    }

    fn authenticate_now(&self, key: ApiKeyValue) -> Immediate<I, ApiKeyValue> {
        self.verify_now(key, ApiKeyValue::as_str)
    }
}

impl<I: Send + Sync + 'static, S: KeyStore<I>> Authenticate<Bearer> for ApiKeys<I, S> {
    type Identity = I;

    async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<I>, AuthError> {
        self.verify(token.as_str()).await.map(Authenticated::from)
    }

    fn authenticate_now(&self, token: BearerToken) -> Immediate<I, BearerToken> {
        self.verify_now(token, BearerToken::as_str)
    }

    fn invalid_reason(&self) -> Option<&'static str> {
        Some("API_KEY_INVALID")
    }
}

impl<I, S> fmt::Debug for ApiKeys<I, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeys")
    }
}
