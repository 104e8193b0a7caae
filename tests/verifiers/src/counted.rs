//! A verifier that tells how many callers wait for it.

use tokio::sync::watch;
use tonic_guard::{AuthError, Authenticate, scheme::Bearer, scheme::BearerToken};

use crate::{LIMIT, provider::within};

/// The verifier `A`, counted.
#[derive(Debug)]
pub struct Counted<A> {
    verifier: A,
    waiting: watch::Sender<usize>,
}

/// How many callers wait.
#[derive(Debug)]
pub struct Waiting(watch::Receiver<usize>);

impl<A> Counted<A> {
    /// Counts the callers of `verifier`.
    pub fn new(verifier: A) -> (Counted<A>, Waiting) {
        let (waiting, receiver) = watch::channel(0);
        (Counted { verifier, waiting }, Waiting(receiver))
    }
}

impl Waiting {
    /// Waits until so many callers wait, no more and no fewer.
    ///
    /// # Panics
    /// When that doesn't happen in time.
    pub async fn reach(&self, callers: usize) {
        let mut waiting = self.0.clone();
        let reached = waiting.wait_for(|waiting| *waiting == callers);
        let _ = within(&format!("{callers} callers that wait"), reached).await;
    }
}

/// One caller that waits, until it is dropped.
struct Waits<'a>(&'a watch::Sender<usize>);

impl<'a> Waits<'a> {
    fn begin(waiting: &'a watch::Sender<usize>) -> Self {
        waiting.send_modify(|waiting| *waiting += 1);
        Waits(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}

impl<A: Authenticate<Bearer>> Authenticate<Bearer> for Counted<A> {
    type Identity = A::Identity;

    async fn authenticate(&self, token: BearerToken) -> Result<A::Identity, AuthError> {
        let _waits = Waits::begin(&self.waiting);
        self.verifier.authenticate(token).await
    }

    /// Long enough for thousands of calls to arrive.
    fn deadline(&self) -> std::time::Duration {
        2 * LIMIT
    }
}
