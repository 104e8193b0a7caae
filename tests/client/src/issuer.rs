//! An issuer of tokens that the test controls.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::Semaphore;
use tonic_guard::AuthError;

use crate::lock::lock;

/// An issuer in memory. The server verifies tokens with it, and the client gets tokens from it by a
/// [`Source`](crate::Source).
#[derive(Debug, Default)]
pub struct Issuer {
    valid: Mutex<HashMap<String, Option<Instant>>>,
    issued: AtomicUsize,
    /// Gates of held verifications, by token.
    held: Mutex<HashMap<String, Arc<Semaphore>>>,
    waiting: AtomicUsize,
}

impl Issuer {
    /// Issues a valid token: `token-1`, `token-2` and so on.
    pub fn issue(&self) -> String {
        self.issue_for(None)
    }

    /// Issues a token that is valid for `life`.
    pub fn issue_for(&self, life: Option<Duration>) -> String {
        let token = format!("token-{}", self.issued.fetch_add(1, Ordering::SeqCst) + 1);
        let end = life.map(|life| Instant::now() + life);
        lock(&self.valid).insert(token.clone(), end);
        token
    }

    /// Revokes all issued tokens.
    pub fn revoke_all(&self) {
        lock(&self.valid).clear();
    }

    /// Holds verifications of `token`: each determines its result, then waits for a permit of the returned semaphore.
    pub fn hold_verification(&self, token: &str) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        lock(&self.held).insert(token.into(), Arc::clone(&gate));
        gate
    }

    /// The number of held verifications.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    pub(crate) async fn check(&self, token: &str) -> Result<(), AuthError> {
        let result = self.result(token);
        let gate = lock(&self.held).get(token).cloned();
        if let Some(gate) = gate {
            self.waiting.fetch_add(1, Ordering::SeqCst);
            if let Ok(permit) = gate.acquire().await {
                permit.forget();
            }
        }
        result
    }

    fn result(&self, token: &str) -> Result<(), AuthError> {
        match lock(&self.valid).get(token) {
            None => Err(AuthError::invalid()),
            Some(Some(end)) if *end <= Instant::now() => Err(AuthError::expired()),
            Some(_) => Ok(()),
        }
    }
}
