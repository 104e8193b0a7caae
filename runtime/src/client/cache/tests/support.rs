use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::client::{
    cache::CredentialCache,
    credential::{Credential, Form},
    token::{ErasedSource, Token, TokenSourceError},
};

/// Returns scripted results and counts the fetches.
#[derive(Clone, Default)]
pub(super) struct ScriptedSource(Arc<Script>);

#[derive(Default)]
struct Script {
    results: Mutex<VecDeque<Result<Token, TokenSourceError>>>,
    fetches: AtomicUsize,
}

impl ErasedSource for ScriptedSource {
    fn token(&self) -> Pin<Box<dyn Future<Output = Result<Token, TokenSourceError>> + Send + '_>> {
        self.0.fetches.fetch_add(1, Ordering::SeqCst);
        let result =
            self.0.results.lock().unwrap().pop_front().expect("the script has another result");
        Box::pin(std::future::ready(result))
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(1)
    }
}

pub(super) fn cache(
    results: impl IntoIterator<Item = Result<Token, TokenSourceError>>,
) -> (Arc<CredentialCache>, ScriptedSource) {
    let source = ScriptedSource::default();
    source.0.results.lock().unwrap().extend(results);
    (CredentialCache::new(Box::new(source.clone()), Form::Bearer), source)
}

pub(super) fn bearer(token: &str) -> Credential {
    Credential::bearer(token).unwrap()
}

impl ScriptedSource {
    /// Replaces the rest of the script.
    pub(super) fn set_next(&self, result: Result<Token, TokenSourceError>) {
        *self.0.results.lock().unwrap() = VecDeque::from([result]);
    }

    pub(super) fn fetches(&self) -> usize {
        self.0.fetches.load(Ordering::SeqCst)
    }
}

pub(super) fn down() -> Result<Token, TokenSourceError> {
    Err(TokenSourceError::unreachable("down"))
}

pub(super) fn living(token: &str, secs: u64) -> Result<Token, TokenSourceError> {
    Ok(Token::new(token).expires_in(Duration::from_secs(secs)))
}

pub(super) async fn uses(cache: &Arc<CredentialCache>, token: &str) -> bool {
    let credential = cache.credential().await;
    // A fetch that this call began runs to its end.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    credential.is_ok_and(|credential| credential.is_same(&bearer(token)))
}

pub(super) async fn advance(millis: u64) {
    tokio::time::advance(Duration::from_millis(millis)).await;
}
