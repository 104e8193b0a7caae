//! A token source that the test controls.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::Semaphore;
use tonic_guard::client::{Token, TokenSource, TokenSourceError};
use tonic_guard_suite_support::LIMIT;

use crate::{issuer::Issuer, lock::lock};

/// A token source that gets its tokens from an [`Issuer`], or follows the script of the test.
#[derive(Clone, Debug)]
pub struct Source(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    issuer: Arc<Issuer>,
    fetches: AtomicUsize,
    script: Mutex<Script>,
    gate: Semaphore,
}

#[derive(Debug)]
struct Script {
    life: Option<Duration>,
    answers: VecDeque<Answer>,
    always: Option<Answer>,
    gated: bool,
    deadline: Duration,
}

/// One scripted reply of a source.
#[derive(Clone, Debug)]
pub enum Answer {
    /// This token.
    Token(&'static str),
    /// The issuer is unreachable.
    Down,
    /// A response without a usable token.
    Unusable,
    /// The fetch never ends.
    Hangs,
    /// The source panics.
    Panics,
}

impl Source {
    /// Creates a source. Each fetch issues a new token without a stated lifetime.
    pub fn new(issuer: &Arc<Issuer>) -> Self {
        let script = Script {
            life: None,
            answers: VecDeque::new(),
            always: None,
            gated: false,
            deadline: LIMIT,
        };
        Source(Arc::new(Inner {
            issuer: Arc::clone(issuer),
            fetches: AtomicUsize::new(0),
            script: Mutex::new(script),
            gate: Semaphore::new(0),
        }))
    }

    /// Issues tokens with this lifetime, which they state.
    #[must_use]
    pub fn life(self, life: Duration) -> Self {
        self.live(life);
        self
    }

    /// Issues tokens with this lifetime from now on.
    pub fn live(&self, life: Duration) {
        lock(&self.0.script).life = Some(life);
    }

    /// Sets the time limit of a fetch.
    #[must_use]
    pub fn within(self, deadline: Duration) -> Self {
        lock(&self.0.script).deadline = deadline;
        self
    }

    /// Adds a reply to the script.
    pub fn then(&self, answer: Answer) {
        lock(&self.0.script).answers.push_back(answer);
    }

    /// Sets the reply after the script's end. `None` issues tokens.
    pub fn always(&self, answer: Option<Answer>) {
        lock(&self.0.script).always = answer;
    }

    /// Holds fetches until [`release`](Source::release).
    pub fn hold(&self) {
        lock(&self.0.script).gated = true;
    }

    /// Releases one held fetch, and holds no later ones.
    pub fn release(&self) {
        lock(&self.0.script).gated = false;
        self.0.gate.add_permits(1);
    }

    /// The number of fetches.
    pub fn fetches(&self) -> usize {
        self.0.fetches.load(Ordering::SeqCst)
    }
}

impl TokenSource for Source {
    #[allow(clippy::panic, reason = "that is what is tested")]
    async fn token(&self) -> Result<Token, TokenSourceError> {
        self.0.fetches.fetch_add(1, Ordering::SeqCst);
        let (life, answer, gated) = {
            let mut script = lock(&self.0.script);
            let answer = script.answers.pop_front().or_else(|| script.always.clone());
            (script.life, answer, script.gated)
        };
        if gated && let Ok(permit) = self.0.gate.acquire().await {
            permit.forget();
        }
        match answer {
            Some(Answer::Token(token)) => Ok(Token::new(token)),
            Some(Answer::Down) => Err(TokenSourceError::unreachable("the issuer is down")),
            Some(Answer::Unusable) => {
                Err(TokenSourceError::unusable("the issuer rejects the request"))
            }
            Some(Answer::Hangs) => std::future::pending().await,
            Some(Answer::Panics) => panic!("a source panics"),
            None => {
                let token = Token::new(self.0.issuer.issue_for(life));
                Ok(match life {
                    Some(life) => token.expires_in(life),
                    None => token,
                })
            }
        }
    }

    fn deadline(&self) -> Duration {
        lock(&self.0.script).deadline
    }
}
