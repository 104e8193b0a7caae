//! The one token that all calls share, and the one fetch that renews it.
//!
//! Nothing is fetched while no call asks. A fetch runs in a task of its own: a call that is cancelled
//! while it waits takes nothing from the others. It runs on the runtime of the call that began it; where
//! that one is dropped, or nobody drives it, a call that waits begins anew on its own.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use http::HeaderName;
use tokio::{
    runtime::Handle,
    sync::watch,
    time::{Instant, timeout},
};

use super::{
    credential::{Credential, Form},
    deadline::Deadline,
    schedule::{FIRST_PAUSE, Schedule, backoff},
    token::{ErasedSource, Token, TokenSourceError},
};

/// How often a call that waits begins anew when the runtime of a fetch was dropped, or isn't driven.
const ABANDONED: u32 = 3;

/// How long after its deadline a fetch must have ended. One that hasn't is on a runtime that nobody drives.
const LATE: Duration = Duration::from_secs(1);

type Outcome = Result<Credential, TokenSourceError>;

/// A fetch on its way, as those see it who wait for it.
#[derive(Clone)]
pub(super) struct Flight {
    /// `None` until the fetch has ended; closed without an outcome when its runtime was dropped.
    outcome: watch::Receiver<Option<Outcome>>,
    /// When it must have ended.
    deadline: Deadline,
}

pub(super) struct Cache {
    source: Box<dyn ErasedSource>,
    form: Form,
    header: HeaderName,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entry: Option<Entry>,
    flight: Option<Flight>,
    failure: Option<Failure>,
    /// When a refusal last made a fetch begin.
    refusal_fetch: Option<Instant>,
}

struct Entry {
    credential: Credential,
    times: Schedule,
    /// A server refused it. It is still what there is until the fetch of a new one has ended.
    refused: bool,
}

struct Failure {
    error: TokenSourceError,
    in_a_row: u32,
    retry: Instant,
}

/// What a call finds.
pub(super) enum Lookup {
    Ready(Credential),
    Wait(Flight),
    Failed(TokenSourceError),
}

/// What there is instead of a refused credential.
pub(super) enum Renewal {
    /// One that differs.
    Newer(Credential),
    /// The source has no other, or was asked a moment ago.
    NothingNewer,
    Failed(TokenSourceError),
}

/// A fetch that was asked for because a credential was refused.
pub(super) enum Renewing {
    Done(Renewal),
    Wait(Flight),
}

impl Cache {
    pub(super) fn new(source: Box<dyn ErasedSource>, form: Form) -> Arc<Self> {
        let header = form.header();
        Arc::new(Cache { source, form, header, state: Mutex::default() })
    }

    /// The header of what the source gives.
    pub(super) fn header(&self) -> &HeaderName {
        &self.header
    }

    /// What there is now. Begins a fetch where one is due.
    pub(super) fn lookup(self: &Arc<Self>) -> Lookup {
        match self.lookup_fast() {
            Some(credential) => Lookup::Ready(credential),
            None => self.lookup_slow(),
        }
    }

    /// What nearly every call finds: a credential that nothing is known against, and that isn't to be
    /// refreshed yet.
    fn lookup_fast(&self) -> Option<Credential> {
        let state = self.lock();
        let entry = state.entry.as_ref()?;
        let settled = !entry.refused && entry.times.is_settled();
        settled.then(|| entry.credential.clone())
    }

    fn lookup_slow(self: &Arc<Self>) -> Lookup {
        self.change(|state, now| {
            if let Some(entry) = &state.entry
                && entry.times.is_fresh(now)
                && !(entry.refused && state.flight.is_some())
            {
                let credential = entry.credential.clone();
                let due = entry.times.wants_refresh(now) && state.may_fetch(now);
                return (Lookup::Ready(credential), due.then(|| self.fetch(state)));
            }
            if let Some(flight) = &state.flight {
                return (Lookup::Wait(flight.clone()), None);
            }
            if let Some(failure) = &state.failure
                && now < failure.retry
            {
                let error = failure.error.clone();
                return (state.last_resort(now).map_or(Lookup::Failed(error), Lookup::Ready), None);
            }
            let landing = self.fetch(state);
            (Lookup::Wait(landing.flight()), Some(landing))
        })
    }

    /// The credential to use; waits for a fetch when there is none.
    pub(super) async fn credential(self: &Arc<Self>) -> Outcome {
        for _ in 0..ABANDONED {
            match self.lookup() {
                Lookup::Ready(credential) => return Ok(credential),
                Lookup::Failed(error) => return Err(error),
                Lookup::Wait(flight) => match self.landed(flight).await {
                    Some(Ok(credential)) => return Ok(credential),
                    Some(Err(error)) => {
                        return self.lock().last_resort(Instant::now()).ok_or(error);
                    }
                    None => {}
                },
            }
        }
        Err(TokenSourceError::unreachable(
            "the runtime that asked the source was shut down, or stands still",
        ))
    }

    /// Takes note that a server refused `refused`. Begins a fetch if nothing newer is there, and if
    /// no refusal began one within `interval`.
    pub(super) fn refused(self: &Arc<Self>, refused: &Credential, interval: Duration) -> Renewing {
        self.change(|state, now| {
            if let Some(entry) = &mut state.entry {
                if entry.credential.is_same(refused) {
                    entry.refused = true;
                } else if entry.times.is_fresh(now) {
                    // A late refusal of an old one. What has come since is to be used, not thrown away.
                    let newer = entry.credential.clone();
                    return (Renewing::Done(Renewal::Newer(newer)), None);
                }
            }
            if let Some(flight) = &state.flight {
                return (Renewing::Wait(flight.clone()), None);
            }
            if state.refusal_fetch.is_some_and(|last| now.duration_since(last) < interval) {
                return (Renewing::Done(Renewal::NothingNewer), None);
            }
            if let Some(failure) = &state.failure
                && now < failure.retry
            {
                return (Renewing::Done(Renewal::Failed(failure.error.clone())), None);
            }
            state.refusal_fetch = Some(now);
            let landing = self.fetch(state);
            (Renewing::Wait(landing.flight()), Some(landing))
        })
    }

    /// Waits for what [`refused`](Cache::refused) began.
    pub(super) async fn renewed(&self, renewing: Renewing, refused: &Credential) -> Renewal {
        match renewing {
            Renewing::Done(renewal) => renewal,
            Renewing::Wait(flight) => match self.landed(flight).await {
                Some(Ok(credential)) if !credential.is_same(refused) => Renewal::Newer(credential),
                Some(Ok(_)) | None => Renewal::NothingNewer,
                Some(Err(error)) => Renewal::Failed(error),
            },
        }
    }

    /// Waits for the end of a fetch; `None` when its runtime was dropped or doesn't run it.
    async fn landed(&self, flight: Flight) -> Option<Outcome> {
        let mut outcome = flight.outcome.clone();
        // Without a timer where there is nothing to wait for: there may be no runtime.
        let known = outcome.borrow().clone();
        if known.is_some() {
            return known;
        }
        let end = async { outcome.wait_for(Option::is_some).await.ok()?.clone() };
        let landed = flight.deadline.bound(end).await;
        if landed.is_none() {
            self.lock().forget(&flight);
        }
        landed.flatten()
    }

    /// Looks at the state and changes it; then sends off the fetch that came of it.
    fn change<T>(
        self: &Arc<Self>,
        look: impl FnOnce(&mut State, Instant) -> (T, Option<Landing>),
    ) -> T {
        let now = Instant::now();
        let (found, landing) = {
            let mut state = self.lock();
            state.flight.take_if(|flight| !flight.deadline.leaves_time_at(now));
            look(&mut state, now)
        };
        // Without the lock: a runtime that is being shut down drops the task at once, and that takes it.
        if let Some(landing) = landing {
            landing.take_off();
        }
        found
    }

    /// A fetch that is to be sent off.
    fn fetch(self: &Arc<Self>, state: &mut State) -> Landing {
        let (sender, outcome) = watch::channel(None);
        let deadline = Deadline::after(self.source.deadline().saturating_add(LATE));
        let flight = Flight { outcome, deadline };
        state.flight = Some(flight.clone());
        Landing { cache: Arc::clone(self), sender, flight, done: false }
    }

    /// Takes in what the source said to `flight`, which began at `begin`.
    fn store(
        &self,
        flight: &Flight,
        begin: Instant,
        result: Result<Token, TokenSourceError>,
    ) -> Outcome {
        let made = result.and_then(|token| {
            if token.life.is_some_and(|life| life.is_zero()) {
                return Err(TokenSourceError::unusable("it has expired already"));
            }
            let credential =
                self.form.credential(&token.secret).map_err(TokenSourceError::unusable)?;
            Ok((credential, Schedule::new(begin, token.life, token.refresh_after)))
        });
        if let Err(error) = &made {
            // Before the lock: a subscriber may make calls with these credentials.
            tracing::warn!(target: "tonic_guard", %error, "no token could be had");
        }
        let now = Instant::now();
        let mut state = self.lock();
        if !state.forget(flight) {
            // It was given up. What has come since is newer, or is on its way.
            return made.map(|(credential, _)| credential);
        }
        match made {
            Ok((credential, times)) => {
                state.failure = None;
                state.keep(Entry { credential: credential.clone(), times, refused: false }, now);
                Ok(credential)
            }
            Err(error) => {
                state.fail(error.clone(), now);
                Err(error)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing below the lock runs code of others, so it is never left half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn may_fetch(&self, now: Instant) -> bool {
        self.flight.is_none() && self.failure.as_ref().is_none_or(|failure| failure.retry <= now)
    }

    /// What is to be used although it counts as expired, when nothing better can be had: its life
    /// hasn't ended, only the time for which it is surely good.
    fn last_resort(&self, now: Instant) -> Option<Credential> {
        let entry = self.entry.as_ref().filter(|entry| !entry.times.is_over(now))?;
        Some(entry.credential.clone())
    }

    /// Says that `flight` is over; false if it isn't the one that is waited for.
    fn forget(&mut self, flight: &Flight) -> bool {
        self.flight.take_if(|known| known.outcome.same_channel(&flight.outcome)).is_some()
    }

    fn keep(&mut self, mut new: Entry, now: Instant) {
        if let Some(old) = &mut self.entry
            && old.credential.is_same(&new.credential)
        {
            // A source that keeps its token until the end: its times stay those of the token's whole
            // life.
            if old.times.stale.is_some()
                && old.times.is_fresh(now)
                && old.times.end >= new.times.end
            {
                old.refused = false;
                old.times.was_given_again(now);
                return;
            }
            // What is left of a life says nothing of how often its source may be asked.
            new.times.pause = new.times.pause.max(old.times.pause);
        }
        self.entry = Some(new);
    }

    fn fail(&mut self, error: TokenSourceError, now: Instant) {
        let in_a_row = self.failure.as_ref().map_or(0, |failure| failure.in_a_row) + 1;
        let first = self.entry.as_ref().map_or(FIRST_PAUSE, |entry| entry.times.pause);
        let retry = now + backoff(first, in_a_row);
        self.failure = Some(Failure { error, in_a_row, retry });
    }
}

/// A fetch on its way. However it ends, the next call finds the cache without it.
struct Landing {
    cache: Arc<Cache>,
    sender: watch::Sender<Option<Outcome>>,
    flight: Flight,
    done: bool,
}

impl Landing {
    fn flight(&self) -> Flight {
        self.flight.clone()
    }

    /// Asks the source, in a task of its own.
    fn take_off(mut self) {
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(self.fly())),
            Err(_) => self.fail("there is no tokio runtime"),
        }
    }

    async fn fly(mut self) {
        let begin = Instant::now();
        let source = &self.cache.source;
        let result = timeout(source.deadline(), source.token()).await;
        let late = || TokenSourceError::unreachable("it gave no answer in time");
        let result = result.unwrap_or_else(|_| Err(late()));
        let outcome = self.cache.store(&self.flight, begin, result);
        self.tell(outcome);
    }

    /// Ends the fetch without having asked.
    fn fail(&mut self, why: &'static str) {
        let result = Err(TokenSourceError::unreachable(why));
        let outcome = self.cache.store(&self.flight, Instant::now(), result);
        self.tell(outcome);
    }

    fn tell(&mut self, outcome: Outcome) {
        self.done = true;
        self.sender.send_replace(Some(outcome));
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        if thread::panicking() {
            self.fail("it panicked");
        } else {
            self.cache.lock().forget(&self.flight);
        }
    }
}

#[cfg(test)]
mod tests;
