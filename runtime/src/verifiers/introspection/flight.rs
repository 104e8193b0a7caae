//! Requests under way: one for each token, shared by all who ask.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

use super::{
    Asker, Digest,
    answer::{Active, Refused},
};
use crate::{error::AuthError, net::http_client::HttpError, scheme::BearerToken};

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
    under_way: Mutex<HashMap<Digest, UnderWay>>,
    most: usize,
}

struct UnderWay {
    answer: Answer,
    begun: Instant,
}

impl UnderWay {
    /// Whether it must have ended. One that hasn't is on a runtime that nobody drives: nobody waits for it
    /// any more, and it holds no place.
    fn is_lost(&self, now: Instant, deadline: Duration) -> bool {
        now.saturating_duration_since(self.begun) >= deadline
    }
}

impl Flights {
    pub(super) fn new(most: usize) -> Self {
        Flights { under_way: Mutex::default(), most }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, UnderWay>> {
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
            Boarded::Pilot(sender, answer, begun) => {
                let asker = Arc::clone(self);
                let flight = Flight { asker, digest, begun, answer: answer.clone() };
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
        let (begun, deadline) = (Instant::now(), self.http.deadline());
        if let Some(known) = under_way.get(&digest)
            && !known.is_lost(begun, deadline)
        {
            return Ok(Boarded::Passenger(known.answer.clone()));
        }
        let most = self.flights.most;
        if under_way.len() >= most {
            under_way.retain(|_, other| !other.is_lost(begun, deadline));
        }
        if under_way.len() >= most {
            let cause = format!("{most} introspection requests are under way");
            return Err(AuthError::unavailable().because(cause));
        }
        let (sender, answer) = watch::channel(None);
        under_way.insert(digest, UnderWay { answer: answer.clone(), begun });
        Ok(Boarded::Pilot(sender, answer, begun))
    }
}

enum Boarded {
    Known(Outcome),
    Passenger(Answer),
    Pilot(watch::Sender<Option<Outcome>>, Answer, Instant),
}

/// A request under way. However it ends, the next caller may begin another.
struct Flight {
    asker: Arc<Asker>,
    digest: Digest,
    begun: Instant,
    answer: Answer,
}

impl Flight {
    async fn fly(self, token: BearerToken, sender: watch::Sender<Option<Outcome>>) {
        let outcome = self.asker.ask(&token).await;
        self.asker.remember(self.digest, self.begun, &outcome);
        // Whoever comes between these two finds it remembered.
        drop(self);
        sender.send_replace(Some(outcome));
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut under_way = self.asker.flights.lock();
        // Where this one was lost, another may be in its place.
        if under_way.get(&self.digest).is_some_and(|known| known.answer.same_channel(&self.answer))
        {
            under_way.remove(&self.digest);
        }
    }
}
