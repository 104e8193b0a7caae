use std::{
    fmt, marker::PhantomData, path::Path, sync::Arc, thread::available_parallelism, time::Duration,
};

use serde::de::DeserializeOwned;

use super::{
    cache::VerifiedPasswords,
    hash::PasswordHash,
    hash_error::HashError,
    hashing_queue::{HashingQueue, QueueFull, RuntimeStopped},
    store::{PasswordStore, StoredPassword},
    table::{UserTable, UserTableError},
};
use crate::{
    authenticate::{Authenticate, Authenticated},
    error::AuthError,
    scheme::{Basic, BasicCredentials},
    verifiers::shared::reloading_file::FileError,
};

const DEFAULT_MAX_QUEUED: usize = 128;

const DEFAULT_CACHE_TTL: Duration = Duration::from_secs(5 * 60);

/// Verifies passwords. The identity is that of the user.
///
/// Argon2 takes tens of milliseconds and tens of megabytes by design. So a password is hashed
/// - on tokio's blocking threads, never on those that drive calls.
/// - with a limit on concurrent hashes, [`max_concurrent`](Passwords::max_concurrent). A hash that has begun
///   counts until it ends, also if its call is reset. A call that is reset while it waits leaves the queue.
/// - after a wait in a bounded queue, [`max_queued`](Passwords::max_queued). A call that finds the queue full
///   is rejected as UNAVAILABLE.
/// - once: a correct password is cached for a while, [`cache_ttl`](Passwords::cache_ttl), and not hashed
///   again.
///
/// The password of an unknown user waits in the same queue and is hashed with the same parameters. So neither
/// the answer nor its time shows whether a user exists.
///
/// A [`UserTable`] clones `I` for each call. If that is expensive, use an `Arc`, which passes scopes and
/// roles through.
pub struct Passwords<I, S = UserTable<I>> {
    store: S,
    max_concurrent: usize,
    max_queued: usize,
    queue: HashingQueue,
    verified: Arc<VerifiedPasswords>,
    identity: PhantomData<fn() -> I>,
}

impl<I: Clone + Send + Sync + 'static> Passwords<I> {
    /// Users from code: the user id, the password's hash and the identity of each.
    ///
    /// # Errors
    /// Returns an error if a user id has a colon or a control character, or if two users have the same id.
    pub fn new<U: Into<Box<str>>>(
        users: impl IntoIterator<Item = (U, PasswordHash, I)>,
    ) -> Result<Self, UserTableError> {
        let users = users
            .into_iter()
            .map(|(user_id, hash, identity)| (user_id.into(), StoredPassword { hash, identity }));
        UserTable::new(users).map(Passwords::from_store)
    }

    /// Users from a JSON file, which may be replaced while the server runs.
    ///
    /// ```json
    /// [
    ///   {
    ///     "user": "ada",
    ///     "hash": "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$PAWILv..",
    ///     "identity": { "name": "Ada" }
    ///   }
    /// ]
    /// ```
    ///
    /// `identity` is deserialized as `I`. Replace the file as a whole: write a new file beside it and rename
    /// that. A thread reads the file once a second, so a removed user is rejected a second later. If the new
    /// file can't be read or isn't valid, the previous users stay valid and an event at the level ERROR has
    /// the cause.
    ///
    /// # Errors
    /// Returns an error if the file can't be read, has more than 64 MiB, doesn't have this format, or has a
    /// hash that isn't by Argon2 or whose parameters exceed the limits of
    /// [`Parameters::new`](super::Parameters::new).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, FileError>
    where
        I: DeserializeOwned,
    {
        UserTable::from_file(path.as_ref().to_owned()).map(Passwords::from_store)
    }
}

impl<I: Send + Sync + 'static, S: PasswordStore<I>> Passwords<I, S> {
    /// Users from a custom store, such as a database.
    pub fn from_store(store: S) -> Self {
        // The other half of the cores stays free for calls, also during a flood of passwords.
        let max_concurrent = available_parallelism().map_or(1, |cores| cores.get().div_ceil(2));
        Passwords {
            store,
            max_concurrent,
            max_queued: DEFAULT_MAX_QUEUED,
            queue: HashingQueue::new(max_concurrent, DEFAULT_MAX_QUEUED),
            verified: Arc::new(VerifiedPasswords::new(DEFAULT_CACHE_TTL)),
            identity: PhantomData,
        }
    }

    /// Sets how many passwords are hashed at once. The default is half the number of cores, the minimum 1.
    ///
    /// Each takes a core and the memory that its hash's parameters state.
    pub fn max_concurrent(self, max_concurrent: usize) -> Self {
        let max_concurrent = max_concurrent.max(1);
        let queue = HashingQueue::new(max_concurrent, self.max_queued);
        Passwords { max_concurrent, queue, ..self }
    }

    /// Sets how many calls may wait for the hashing of their password. The default is 128. Further calls are
    /// rejected as UNAVAILABLE.
    ///
    /// A call waits until its deadline of five seconds. A queue that takes longer to drain is useless.
    pub fn max_queued(self, max_queued: usize) -> Self {
        let queue = HashingQueue::new(self.max_concurrent, max_queued);
        Passwords { max_queued, queue, ..self }
    }

    /// Sets how long a correct password is cached. The default is five minutes. Zero turns the cache off.
    ///
    /// The cache contains a digest of user id, password and stored hash, under a random key of this process.
    /// It doesn't apply to a user who is removed or whose hash is changed.
    pub fn cache_ttl(self, ttl: Duration) -> Self {
        Passwords { verified: Arc::new(VerifiedPasswords::new(ttl)), ..self }
    }

    async fn verify(&self, user_id: &str, password: &str) -> Result<I, AuthError> {
        let stored = self.store.find(user_id).await?;
        let (hash, identity) = match stored {
            Some(StoredPassword { hash, identity }) => (hash, Some(identity)),
            None => (PasswordHash::dummy(self.store.parameters()), None),
        };
        let cache_key = self.verified.key(user_id, password, &hash);
        let is_cached = || identity.is_some() && self.verified.contains(cache_key.as_ref());
        let correct = is_cached() || {
            let permit = self.queue.acquire().await.map_err(|QueueFull| {
                AuthError::unavailable().because("too many passwords wait for hashing")
            })?;
            // Another call of the same user may have cached the password during the wait.
            is_cached() || {
                let (password, known) = (password.to_owned(), identity.is_some());
                let verified = Arc::clone(&self.verified);
                let checked = permit.run(move || {
                    let correct = hash.verify(&password)?;
                    // Cached before the permit is released, so that the next call finds it.
                    if correct && known {
                        verified.insert(cache_key);
                    }
                    Ok::<_, HashError>(correct)
                });
                checked
                    .await
                    .map_err(|RuntimeStopped| {
                        AuthError::unavailable().because("the runtime is shutting down")
                    })?
                    .map_err(|error| AuthError::unavailable().because(error))?
            }
        };
        match identity {
            Some(identity) if correct => Ok(identity),
            Some(_) => Err(AuthError::invalid().because("the password is wrong")),
            None => Err(AuthError::invalid().because("the user doesn't exist")),
        }
    }
}

impl<I: Send + Sync + 'static, S: PasswordStore<I>> Authenticate<Basic> for Passwords<I, S> {
    type Identity = I;

    async fn authenticate(
        &self,
        credentials: BasicCredentials,
    ) -> Result<Authenticated<I>, AuthError> {
        self.verify(credentials.user_id(), credentials.password()).await.map(Authenticated::from)
    }
}

impl<I, S> fmt::Debug for Passwords<I, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords")
            .field("max_concurrent", &self.max_concurrent)
            .field("max_queued", &self.max_queued)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::pin, task::Poll};

    use super::*;
    use crate::verifiers::passwords::Parameters;

    /// Fills the queue. Returns how many calls may hash and how many may wait.
    async fn limits(users: Passwords<()>) -> (usize, usize) {
        let (mut permits, mut waiting) = (Vec::new(), Vec::new());
        loop {
            let mut next = Box::pin(users.queue.acquire());
            match poll_fn(|context| Poll::Ready(pin!(&mut next).poll(context))).await {
                Poll::Ready(Ok(permit)) => permits.push(permit),
                Poll::Ready(Err(QueueFull)) => return (permits.len(), waiting.len()),
                Poll::Pending => waiting.push(next),
            }
        }
    }

    #[tokio::test]
    async fn both_limits_apply_in_any_order() {
        let users =
            || Passwords::new([("ada", PasswordHash::dummy(Parameters::default()), ())]).unwrap();
        let cores = available_parallelism().unwrap().get();
        for (users, expected) in [
            (users(), (cores.div_ceil(2), DEFAULT_MAX_QUEUED)),
            (users().max_concurrent(3).max_queued(5), (3, 5)),
            (users().max_queued(5).max_concurrent(3), (3, 5)),
            (users().max_concurrent(0).max_queued(0), (1, 0)),
        ] {
            assert_eq!(limits(users).await, expected);
        }
    }
}
