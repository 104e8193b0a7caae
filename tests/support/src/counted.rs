//! A verifier that counts the calls that wait for it.

use std::time::Duration;

use tokio::sync::watch;
use tonic_guard::{
    AuthError, Authenticate, Authenticated, Immediate,
    scheme::{Bearer, BearerToken},
};

use crate::{LIMIT, within};

/// The verifier `A`, with a count of the calls that wait for it.
#[derive(Debug)]
pub struct Counted<A> {
    verifier: A,
    waiting: watch::Sender<usize>,
}

/// The number of calls that wait.
#[derive(Debug)]
pub struct Waiting(watch::Receiver<usize>);

impl<A> Counted<A> {
    /// Counts the calls that wait for `verifier`.
    pub fn new(verifier: A) -> (Counted<A>, Waiting) {
        let (waiting, receiver) = watch::channel(0);
        (Counted { verifier, waiting }, Waiting(receiver))
    }

    /// The verifier.
    pub fn verifier(&self) -> &A {
        &self.verifier
    }
}

impl Waiting {
    /// Waits until exactly `calls` calls wait.
    ///
    /// # Panics
    /// When that doesn't happen within [`LIMIT`].
    pub async fn reach(&self, calls: usize) {
        let mut waiting = self.0.clone();
        let reached = waiting.wait_for(|waiting| *waiting == calls);
        let _ = within(&format!("{calls} waiting calls"), reached).await;
    }
}

/// One waiting call. It is counted until it is dropped.
struct CountedCall<'a>(&'a watch::Sender<usize>);

impl<'a> CountedCall<'a> {
    fn begin(waiting: &'a watch::Sender<usize>) -> Self {
        waiting.send_modify(|waiting| *waiting += 1);
        CountedCall(waiting)
    }
}

impl Drop for CountedCall<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}

impl<A: Authenticate<Bearer>> Authenticate<Bearer> for Counted<A> {
    type Identity = A::Identity;

    async fn authenticate(
        &self,
        token: BearerToken,
    ) -> Result<Authenticated<A::Identity>, AuthError> {
        let _call = CountedCall::begin(&self.waiting);
        self.verifier.authenticate(token).await
    }

    fn authenticate_now(&self, token: BearerToken) -> Immediate<A::Identity, BearerToken> {
        self.verifier.authenticate_now(token)
    }

    /// Long enough for thousands of calls to arrive.
    fn deadline(&self) -> Duration {
        2 * LIMIT
    }
}
