//! Requests under way: one for each token, shared by all who ask.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use super::{
    Asker, Digest,
    answer::{Active, Refused},
};
use crate::{error::AuthError, http_client::HttpError, scheme::BearerToken};

/// What became of a question.
#[derive(Clone)]
pub(super) enum Outcome {
    /// The token is good.
    Active(Arc<Active>),
    /// The token is bad.
    Refused(Refused),
    /// Nobody knows.
    Open(HttpError),
}

impl Outcome {
    pub(super) fn into_result(self) -> Result<Arc<Active>, AuthError> {
        match self {
            Outcome::Active(active) => Ok(active),
            Outcome::Refused(refused) => Err(refused.into()),
            Outcome::Open(error) => Err(AuthError::unavailable().because(error)),
        }
    }
}

type Answer = watch::Receiver<Option<Outcome>>;

/// The requests under way.
pub(super) struct Flights {
    under_way: Mutex<HashMap<Digest, Answer>>,
    most: usize,
}

impl Flights {
    pub(super) fn new(most: usize) -> Self {
        Flights { under_way: Mutex::default(), most }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Answer>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asker {
    /// What the endpoint says of `token`: in the answer to a request that is under way, or to one of
    /// its own.
    pub(super) async fn asked(
        self: &Arc<Self>,
        digest: Digest,
        token: BearerToken,
    ) -> Result<Arc<Active>, AuthError> {
        let mut answer = match self.board(digest)? {
            Boarded::Known(outcome) => return outcome.into_result(),
            Boarded::Passenger(answer) => answer,
            Boarded::Pilot(sender, answer) => {
                let flight = Flight { asker: Arc::clone(self), digest };
                // A task of its own: who asks first may go away while others wait.
                tokio::spawn(flight.fly(token, sender));
                answer
            }
        };
        // Where nobody runs that task any more, the deadline of the verifier ends the wait.
        let outcome = match answer.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone(),
            Err(_) => None,
        };
        let ended = || AuthError::unavailable().because("the request ended without an outcome");
        outcome.ok_or_else(ended)?.into_result()
    }

    fn board(&self, digest: Digest) -> Result<Boarded, AuthError> {
        let mut under_way = self.flights.lock();
        // Its request may have ended since the caches were looked at.
        if let Some(known) = self.recall(&digest) {
            return Ok(Boarded::Known(known));
        }
        let full = under_way.len() >= self.flights.most;
        match under_way.entry(digest) {
            Entry::Occupied(entry) => Ok(Boarded::Passenger(entry.get().clone())),
            Entry::Vacant(_) if full => {
                let most = self.flights.most;
                let cause = format!("{most} introspection requests are under way");
                Err(AuthError::unavailable().because(cause))
            }
            Entry::Vacant(entry) => {
                let (sender, answer) = watch::channel(None);
                entry.insert(answer.clone());
                Ok(Boarded::Pilot(sender, answer))
            }
        }
    }
}

enum Boarded {
    Known(Outcome),
    Passenger(Answer),
    Pilot(watch::Sender<Option<Outcome>>, Answer),
}

/// A request under way. However it ends, the next caller may begin another.
struct Flight {
    asker: Arc<Asker>,
    digest: Digest,
}

impl Flight {
    async fn fly(self, token: BearerToken, sender: watch::Sender<Option<Outcome>>) {
        let outcome = self.asker.ask(&token).await;
        self.asker.remember(self.digest, &outcome);
        // Whoever comes between these two finds it remembered.
        drop(self);
        sender.send_replace(Some(outcome));
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.asker.flights.lock().remove(&self.digest);
    }
}
