use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{runtime::Handle as Runtime, task::AbortHandle, time::Instant};

use super::{fetch_schedule::FetchCause, fetched_keys::Trusted, key_fetcher::KeyFetcher};
use crate::{
    error::AuthError,
    net::http_client::HttpError,
    verifiers::jwt::{algorithm::Algorithm, key_set::KeySet, no_match::NoMatch},
};

/// The keys that an issuer publishes, fetched and kept fresh.
///
/// ```no_run
/// use tonic_guard::jwt::RemoteKeys;
///
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// // Fails, with the URL and the cause, if the keys can't be fetched now.
/// let keys = RemoteKeys::discover("https://id.example").connect().await?;
///
/// // Fetches the keys when the first token arrives. Errors show only then.
/// let keys = RemoteKeys::jwks("https://id.example/jwks.json").lazy()?;
///
/// // Fails: an attacker on the network could replace the keys.
/// assert!(RemoteKeys::jwks("http://id.example/jwks.json").lazy().is_err());
/// # Ok(())
/// # }
/// ```
///
/// # When keys are fetched
///
/// A background task, which ends with the last clone of this value, fetches the keys every five minutes, or up to a
/// tenth earlier, at random. A removed key stays trusted for at most five minutes. Two kinds of tokens cause an
/// additional fetch, which all waiting calls share:
///
/// - a token with an unknown key id (`kid`): the issuer may have added a key.
/// - a token that names a key and isn't signed by it: the issuer may have reused the `kid` for another key. After
///   a fetch that found no such change, the ids of that set cause none until the next scheduled fetch.
///
/// Each kind has its own budget: two fetches at once, then one per thirty seconds, however many such tokens
/// arrive. If the budget is spent and permits a fetch within two seconds, up to 32 calls of a kind wait for it.
/// The others are rejected as invalid. So a new key works after at most thirty seconds, even if others send
/// garbage. A token whose `alg` is that of a secret (HS256) never causes a fetch.
///
/// The task runs on the tokio runtime that started it. If that runtime has ended or nobody drives it, the first
/// call that finds keys older than ten minutes starts a fetch on its own runtime, without waiting for it.
///
/// A failed fetch keeps the previous keys, and so does a set without a usable key. The next fetch follows after
/// thirty seconds, and the pause doubles with each failure, up to five minutes. Keys older than an hour aren't
/// trusted. The settings of [`RemoteKeysBuilder`](super::RemoteKeysBuilder) change each of these times.
///
/// If the last fetch failed, a call with an unknown key id is rejected as UNAVAILABLE. A token with a known key id
/// and a forged signature is always invalid. While no keys are trusted, every call is UNAVAILABLE.
///
/// Each fetch is a `tracing` event with the target `tonic_guard`, at the level WARN if it failed.
#[derive(Clone)]
pub struct RemoteKeys(Arc<RemoteKeysState>);

/// The state that all clones of a [`RemoteKeys`] share. The refresh task ends with it.
struct RemoteKeysState {
    fetcher: Arc<KeyFetcher>,
    refresh_task: Mutex<Option<AbortHandle>>,
    created: Instant,
    cooldown: Duration,
    /// When a call may next restart overdue fetches, in milliseconds since `created`. Only one call per
    /// cooldown takes the locks for that.
    next_restart: AtomicU64,
}

impl RemoteKeys {
    pub(super) fn new(fetcher: KeyFetcher, cooldown: Duration) -> Self {
        RemoteKeys(Arc::new(RemoteKeysState {
            fetcher: Arc::new(fetcher),
            refresh_task: Mutex::default(),
            created: Instant::now(),
            cooldown,
            next_restart: AtomicU64::new(0),
        }))
    }

    /// Starts the refresh task and waits for the first fetch.
    pub(super) async fn connect(&self) -> Result<(), HttpError> {
        self.0.start_refresh_task();
        self.0.fetcher.fetch(FetchCause::Schedule).await
    }

    /// The keys that are trusted now.
    pub(in crate::verifiers::jwt) fn trusted(&self) -> Option<Trusted> {
        let now = Instant::now();
        let trusted = self.0.fetcher.trusted(now)?;
        if trusted.is_overdue(now) {
            self.0.restart_overdue(now);
        }
        Some(trusted)
    }

    /// Waits for keys other than `known`, for a token with this algorithm. `None` if there are none now.
    pub(in crate::verifiers::jwt) async fn refetch(
        &self,
        known: Option<Arc<KeySet>>,
        algorithm: Algorithm,
        no_match: NoMatch<'_>,
    ) -> Result<Option<Arc<KeySet>>, AuthError> {
        // A published secret is never trusted.
        if algorithm.public().is_none() {
            return Ok(None);
        }
        let fetcher = &self.0.fetcher;
        if let Some(newer) = fetcher.other_than(known.as_ref()) {
            return Ok(Some(newer));
        }
        if matches!(no_match, NoMatch::Signature(kid) if fetcher.has_confirmed(kid)) {
            return Ok(None);
        }
        self.0.start_refresh_task();
        let outcome = match no_match {
            NoMatch::NoKeys => fetcher.fetch(FetchCause::Schedule).await,
            NoMatch::UnknownId => fetcher.fetch(FetchCause::UnknownId).await,
            NoMatch::Signature(_) => {
                fetcher.fetch_for_signature().await;
                Ok(())
            }
        };
        match outcome {
            Err(error) => Err(AuthError::unavailable().because(error)),
            Ok(()) => Ok(fetcher.other_than(known.as_ref())),
        }
    }
}

impl RemoteKeysState {
    /// Starts the task that fetches keys before they are too old, unless it runs. The task ends with its
    /// runtime, so a later call may have to start it again.
    fn start_refresh_task(&self) {
        let mut task = self.refresh_task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_none_or(AbortHandle::is_finished) {
            let refresh = Arc::clone(&self.fetcher).refresh();
            *task = Some(tokio::spawn(refresh).abort_handle());
        }
    }

    /// Starts an overdue fetch on this runtime, without waiting for it: the runtime of the refresh task may
    /// have ended, or nobody drives it. While that task works and fetches fail, this starts none
    /// earlier.
    fn restart_overdue(&self, now: Instant) {
        if Runtime::try_current().is_err() {
            return;
        }
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let age = now.duration_since(self.created);
        let due = self.next_restart.load(Ordering::Relaxed);
        let next = milliseconds(age.saturating_add(self.cooldown));
        let mine = due <= milliseconds(age)
            && self
                .next_restart
                .compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if mine {
            self.fetcher.begin_if_due(now);
            self.start_refresh_task();
        }
    }
}

impl Drop for RemoteKeysState {
    fn drop(&mut self) {
        let task = self.refresh_task.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task {
            task.abort();
        }
    }
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let location = self.0.fetcher.location().to_string();
        f.debug_struct("RemoteKeys").field("location", &location).finish_non_exhaustive()
    }
}
