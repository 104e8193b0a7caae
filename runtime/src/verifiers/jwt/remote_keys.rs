use std::{
    fmt,
    ops::Deref,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, Guard};
use tokio::{
    runtime::Handle as Runtime,
    sync::watch,
    task::AbortHandle,
    time::{Instant, timeout, timeout_at},
};

use self::{
    attempts::{Attempts, Begin},
    key_location::KeyLocation,
};
use super::KeySet;
use crate::{
    error::AuthError,
    net::http_client::{HttpClient, HttpError},
};

mod attempts;
mod key_location;

/// The keys of an issuer, fetched from where it publishes them and kept fresh.
///
/// ```no_run
/// use tonic_guard::jwt::RemoteKeys;
///
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// // Refused at once, with the URL and the cause, when the keys can't be fetched.
/// let keys = RemoteKeys::discover("https://id.example").connect().await?;
///
/// // Fetched when the first token comes. Until then nothing is known to be wrong.
/// let keys = RemoteKeys::jwks("https://id.example/jwks.json").lazy()?;
///
/// // Refused: whoever stands between could put in keys of their own.
/// assert!(RemoteKeys::jwks("http://id.example/jwks.json").lazy().is_err());
/// # Ok(())
/// # }
/// ```
///
/// # When keys are fetched
///
/// Every five minutes by a task that ends with the last clone of this, and when a token names a key
/// that isn't known (`kid`): then by a task that all calls which wait for it share, and never more
/// often than once in thirty seconds, however many tokens name keys that don't exist. So a key that
/// the issuer adds works after thirty seconds at the latest, and one that it removes is trusted
/// for five minutes at most.
///
/// The task runs on the tokio runtime that began it. Where that has ended, or isn't run, a call that
/// finds the keys ten minutes old has them fetched by its own runtime, and doesn't wait for it.
///
/// A fetch that fails keeps the keys, and so does a set without a key that can be used. The next one
/// comes after thirty seconds, then after twice as long, up to five minutes. Keys that are an hour old
/// are trusted no longer. The settings of [`RemoteKeysBuilder`] change each of these times.
///
/// A token that names an unknown key is invalid when the keys have just been fetched. When that has
/// failed nobody can tell, and its call is refused as UNAVAILABLE, as all are when there are no keys.
///
/// Each fetch is a `tracing` event of the target `tonic_guard`, at the level WARN if it failed.
#[derive(Clone)]
pub struct RemoteKeys(Arc<Handle>);

/// Settings of [`RemoteKeys`].
#[derive(Clone, Debug)]
#[must_use]
pub struct RemoteKeysBuilder {
    place: key_location::Setting,
    http: Option<HttpClient>,
    refresh_every: Duration,
    max_age: Duration,
    cooldown: Duration,
}

impl RemoteKeys {
    /// The JWK set at `url`.
    pub fn jwks(url: impl Into<String>) -> RemoteKeysBuilder {
        RemoteKeysBuilder::new(key_location::Setting::Jwks(url.into()))
    }

    /// The keys of an OpenID provider, found through `ISSUER/.well-known/openid-configuration`
    /// (OpenID Connect Discovery 1.0, section 4).
    ///
    /// The document must name this very issuer, byte by byte.
    pub fn discover(issuer: impl Into<String>) -> RemoteKeysBuilder {
        RemoteKeysBuilder::new(key_location::Setting::OpenId(issuer.into()))
    }

    /// The keys of an OAuth authorization server, found through its metadata, of which the
    /// well-known name stands between the issuer's host and path (RFC 8414, section 3).
    ///
    /// The document must name this very issuer, byte by byte.
    pub fn discover_oauth(issuer: impl Into<String>) -> RemoteKeysBuilder {
        RemoteKeysBuilder::new(key_location::Setting::OAuth(issuer.into()))
    }

    /// The keys that are trusted now.
    pub(super) fn trusted(&self) -> Option<Trusted> {
        let now = Instant::now();
        let trusted = self.0.remote.trusted(now)?;
        if trusted.0.overdue.is_some_and(|overdue| overdue <= now) {
            self.0.revive(now);
        }
        Some(trusted)
    }

    pub(super) async fn refetch(
        &self,
        seen: Option<Arc<KeySet>>,
    ) -> Result<Option<Arc<KeySet>>, AuthError> {
        let remote = &self.0.remote;
        if let Some(newer) = remote.other_than(seen.as_ref()) {
            return Ok(Some(newer));
        }
        self.0.keep_fresh();
        match remote.fetch().await {
            Err(error) => Err(AuthError::unavailable().because(error)),
            Ok(()) => Ok(remote.other_than(seen.as_ref())),
        }
    }
}

impl RemoteKeysBuilder {
    fn new(place: key_location::Setting) -> Self {
        RemoteKeysBuilder {
            place,
            http: None,
            refresh_every: Duration::from_secs(5 * 60),
            max_age: Duration::from_secs(60 * 60),
            cooldown: Duration::from_secs(30),
        }
    }

    /// How the provider is reached. By default as [`HttpClient::new`] says.
    pub fn http_client(self, http: HttpClient) -> Self {
        RemoteKeysBuilder { http: Some(http), ..self }
    }

    /// How often the keys are fetched without cause. So long a key is trusted that the issuer has
    /// removed. Five minutes by default.
    pub fn refresh_every(self, time: Duration) -> Self {
        RemoteKeysBuilder { refresh_every: time, ..self }
    }

    /// How old keys may grow while fetching fails. Then no token is good and calls are refused as
    /// UNAVAILABLE. An hour by default: tokens from before the outage have mostly expired by then.
    pub fn max_age(self, age: Duration) -> Self {
        RemoteKeysBuilder { max_age: age, ..self }
    }

    /// How long no fetch begins after the last one did. Thirty seconds by default.
    pub fn cooldown(self, time: Duration) -> Self {
        RemoteKeysBuilder { cooldown: time, ..self }
    }

    /// Fetches the keys and keeps them fresh.
    ///
    /// # Errors
    /// What [`lazy`](RemoteKeysBuilder::lazy) refuses; and when the keys can't be fetched or none of
    /// them can be used, naming the URL and the cause.
    pub async fn connect(self) -> Result<RemoteKeys, HttpError> {
        let keys = self.lazy()?;
        keys.0.keep_fresh();
        keys.0.remote.fetch().await?;
        Ok(keys)
    }

    /// Keys that are fetched when the first token asks for them, and kept fresh from then on.
    ///
    /// # Errors
    /// When the URL isn't one or isn't https (see [`HttpClient`]), when no HTTP client can be made,
    /// and when the times don't fit: a cooldown of zero or one longer than the time between two
    /// refreshes, or refreshes as far apart as the keys may be old.
    pub fn lazy(self) -> Result<RemoteKeys, HttpError> {
        // So that no clock overflows.
        let max_age = self.max_age.min(Duration::from_secs(365 * 24 * 60 * 60));
        if self.cooldown.is_zero()
            || self.cooldown > self.refresh_every
            || self.refresh_every >= max_age
        {
            return Err(HttpError::mistake(
                "the keys' times must be: 0 < cooldown <= refresh_every < max_age",
            ));
        }
        let http = self.http.map_or_else(HttpClient::new, Ok)?;
        let place = self.place.check(&http)?;
        // Of discovery and of the keys.
        let longest = http.timeout().saturating_mul(2).saturating_add(SLACK);
        let attempts = Attempts::none(self.cooldown, self.refresh_every, longest);
        let remote = Remote {
            place,
            http,
            max_age,
            refresh_every: self.refresh_every,
            longest,
            fetched: ArcSwap::from_pointee(Fetched::nothing()),
            attempts: watch::Sender::new(attempts),
        };
        let handle = Handle {
            remote: Arc::new(remote),
            refresher: Mutex::default(),
            made: Instant::now(),
            cooldown: self.cooldown,
            look_again: AtomicU64::new(0),
        };
        Ok(RemoteKeys(Arc::new(handle)))
    }
}

/// How much longer than its requests may take a fetch is waited for.
const SLACK: Duration = Duration::from_secs(5);

/// What the clones of a [`RemoteKeys`] share. The refresher ends with it.
struct Handle {
    remote: Arc<Remote>,
    refresher: Mutex<Option<AbortHandle>>,
    made: Instant,
    cooldown: Duration,
    /// When a call may next see to overdue keys, in milliseconds since `made`: of all calls one takes the
    /// locks for that.
    look_again: AtomicU64,
}

impl Handle {
    /// Has a task fetch the keys before they age, from now on. It begins again if it ended, as it does with
    /// its runtime.
    fn keep_fresh(&self) {
        let mut refresher = self.refresher.lock().unwrap_or_else(PoisonError::into_inner);
        if refresher.as_ref().is_none_or(AbortHandle::is_finished) {
            let refreshing = Arc::clone(&self.remote).refresh();
            *refresher = Some(tokio::spawn(refreshing).abort_handle());
        }
    }

    /// Has overdue keys fetched by this runtime, and waits for nothing: the refresher's may be gone, or
    /// nobody runs it. Where the refresher works and fetches fail, they come no sooner by this.
    fn revive(&self, now: Instant) {
        if Runtime::try_current().is_err() {
            return;
        }
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let age = now.duration_since(self.made);
        let look_again = self.look_again.load(Ordering::Relaxed);
        let next = milliseconds(age.saturating_add(self.cooldown));
        let mine = look_again <= milliseconds(age)
            && self
                .look_again
                .compare_exchange(look_again, next, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if mine {
            self.remote.begin(|attempts| attempts.begin_if_due(now));
            self.keep_fresh();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let refresher = self.refresher.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(refresher) = refresher {
            refresher.abort();
        }
    }
}

struct Remote {
    place: KeyLocation,
    http: HttpClient,
    max_age: Duration,
    refresh_every: Duration,
    /// How long a fetch may take.
    longest: Duration,
    fetched: ArcSwap<Fetched>,
    attempts: watch::Sender<Attempts>,
}

/// The keys that are trusted now, for the length of one look.
#[derive(Debug)]
pub(super) struct Trusted(Guard<Arc<Fetched>>);

impl Trusted {
    /// These keys, to keep across a wait.
    pub(super) fn keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.0.keys)
    }
}

impl Deref for Trusted {
    type Target = KeySet;

    fn deref(&self) -> &KeySet {
        &self.0.keys
    }
}

/// A set and how long it is trusted if none follows.
#[derive(Debug)]
struct Fetched {
    keys: Arc<KeySet>,
    /// `None` before the first fetch.
    until: Option<Instant>,
    /// When another set should long have followed. `None` before the first fetch.
    overdue: Option<Instant>,
}

impl Fetched {
    fn nothing() -> Self {
        Fetched { keys: Arc::new(KeySet::from_iter([])), until: None, overdue: None }
    }
}

impl Remote {
    fn trusted(&self, now: Instant) -> Option<Trusted> {
        let fetched = self.fetched.load();
        let trusted = fetched.until.is_some_and(|until| now < until);
        trusted.then_some(Trusted(fetched))
    }

    /// The keys that are trusted now, unless they are those.
    fn other_than(&self, seen: Option<&Arc<KeySet>>) -> Option<Arc<KeySet>> {
        let trusted = self.trusted(Instant::now())?.keys();
        let same = seen.is_some_and(|seen| Arc::ptr_eq(seen, &trusted));
        (!same).then_some(trusted)
    }

    /// Waits for the fetch that is under way, or for one of its own; between two, tells how the last
    /// one ended.
    async fn fetch(self: &Arc<Self>) -> Result<(), HttpError> {
        loop {
            let mut attempts = self.attempts.subscribe();
            self.begin(|attempts| attempts.begin(Instant::now()));
            let ended = attempts.wait_for(|attempts| !attempts.running());
            match timeout(self.longest, ended).await {
                Ok(Ok(attempts)) => return attempts.last(),
                // The sender is a field of `self`.
                Ok(Err(_)) => return Ok(()),
                // Nobody runs that fetch any more: the next turn begins another.
                Err(_) => {}
            }
        }
    }

    /// Begins a fetch if `begin` says so.
    fn begin(self: &Arc<Self>, begin: impl Fn(&mut Attempts) -> Begin) {
        let mut begun = Begin::Wait;
        self.attempts.send_if_modified(|attempts| {
            begun = begin(attempts);
            matches!(begun, Begin::Now(_))
        });
        if let Begin::Now(number) = begun {
            let attempt = Attempt { remote: Arc::clone(self), number, ended: false };
            // A task of its own: who asks first may go away while others wait.
            tokio::spawn(attempt.run());
        }
    }

    /// Fetches whenever it is due, for ever.
    async fn refresh(self: Arc<Self>) {
        let mut attempts = self.attempts.subscribe();
        loop {
            let due = attempts.borrow_and_update().due();
            let waited = match due {
                Some(due) => timeout_at(due, attempts.changed()).await.is_err(),
                // Until somebody's attempt ends.
                None => attempts.changed().await.is_err(),
            };
            if waited {
                // How it ended is in `attempts` and in an event.
                let _ = self.fetch().await;
            }
        }
    }
}

/// A fetch under way. However it ends, it ends for all who wait.
struct Attempt {
    remote: Arc<Remote>,
    number: u64,
    ended: bool,
}

impl Attempt {
    async fn run(mut self) {
        let remote = Arc::clone(&self.remote);
        let begun = Instant::now();
        let outcome = remote.place.fetch(&remote.http).await;
        let outcome = match outcome {
            Ok(keys) => {
                tracing::debug!(target: "tonic_guard", url = %remote.place, "keys fetched");
                Ok(Fetched {
                    keys: Arc::new(keys),
                    until: Some(begun + remote.max_age),
                    overdue: Some(begun + 2 * remote.refresh_every),
                })
            }
            Err(error) => {
                let cause: &(dyn std::error::Error + 'static) = &error;
                tracing::warn!(
                    target: "tonic_guard",
                    url = %remote.place,
                    cause,
                    trusted = remote.trusted(Instant::now()).is_some(),
                    "keys can't be fetched"
                );
                Err(error)
            }
        };
        self.end(outcome);
    }

    fn end(&mut self, outcome: Result<Fetched, HttpError>) {
        self.ended = true;
        self.remote.attempts.send_if_modified(|attempts| {
            // Another has taken its place, whose keys are newer.
            if !attempts.is_current(self.number) {
                return false;
            }
            attempts.end(outcome.map(|fetched| self.remote.fetched.store(Arc::new(fetched))));
            true
        });
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.ended {
            self.end(Err(HttpError::mistake("the fetch ended before its answer")));
        }
    }
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.0.remote.place.to_string();
        f.debug_struct("RemoteKeys").field("place", &place).finish_non_exhaustive()
    }
}
