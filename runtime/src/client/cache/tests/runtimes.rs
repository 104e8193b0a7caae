use std::{
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use tokio::time::Instant;

use super::support::{advance, bearer, cache, living, uses};
use crate::client::{
    cache::{CredentialCache, Lookup},
    credential::Form,
    token::{ErasedSource, Token, TokenSourceError},
};

#[test]
fn fetch_whose_runtime_was_shut_down_is_replaced() {
    struct Slow(AtomicUsize);
    impl ErasedSource for Slow {
        fn token(
            &self,
        ) -> Pin<Box<dyn Future<Output = Result<Token, TokenSourceError>> + Send + '_>> {
            match self.0.fetch_add(1, Ordering::SeqCst) {
                0 => Box::pin(std::future::pending()),
                _ => Box::pin(std::future::ready(Ok(Token::new("b")))),
            }
        }
        fn deadline(&self) -> Duration {
            Duration::from_secs(60)
        }
    }
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cache = CredentialCache::new(Box::new(Slow(AtomicUsize::new(0))), Form::Bearer);
    let gone = runtime();
    let pending = gone.block_on(async {
        let Lookup::Wait(pending) = cache.lookup() else { panic!("the cache is empty") };
        tokio::task::yield_now().await;
        pending
    });
    drop(gone);
    runtime().block_on(async {
        assert!(cache.outcome(pending).await.is_none());
        assert!(cache.credential().await.unwrap().is_same(&bearer("b")));
    });
}

/// Two threads share a token, and each blocks on its own runtime. The thread that began a fetch no longer
/// drives its runtime.
#[test]
fn fetch_on_a_runtime_that_nobody_drives_is_replaced() {
    struct Counted(AtomicUsize);
    impl ErasedSource for Counted {
        fn token(
            &self,
        ) -> Pin<Box<dyn Future<Output = Result<Token, TokenSourceError>> + Send + '_>> {
            let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
            Box::pin(std::future::ready(Ok(Token::new(format!("t-{number}")))))
        }
        fn deadline(&self) -> Duration {
            Duration::from_millis(1)
        }
    }
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cache = CredentialCache::new(Box::new(Counted(AtomicUsize::new(0))), Form::Bearer);
    let idle = runtime();
    let pending = idle.block_on(async {
        let Lookup::Wait(pending) = cache.lookup() else { panic!("the cache is empty") };
        pending
    });
    let driven = runtime();
    let limit = Duration::from_secs(60);
    driven.block_on(async {
        let credential = tokio::time::timeout(limit, cache.credential()).await;
        assert!(credential.expect("it ends").unwrap().is_same(&bearer("t-1")));
    });
    // The lost fetch ends, and changes nothing.
    idle.block_on(async {
        let late = tokio::time::timeout(limit, cache.outcome(pending)).await.expect("it ends");
        assert!(late.unwrap().unwrap().is_same(&bearer("t-2")));
        assert!(cache.credential().await.unwrap().is_same(&bearer("t-1")));
    });
}

#[tokio::test(start_paused = true)]
async fn lost_refresh_is_replaced() {
    let (cache, source) = cache([living("a", 100), living("b", 100)]);
    assert!(uses(&cache, "a").await);
    advance(60_000).await;
    let _lost = cache.begin(&mut cache.lock(), Instant::now());
    advance(1_900).await;
    assert!(uses(&cache, "a").await);
    assert_eq!(source.fetches(), 1, "it isn't lost yet");
    advance(200).await;
    assert!(uses(&cache, "a").await);
    assert!(uses(&cache, "b").await);
    assert_eq!(source.fetches(), 2);
}

#[test]
fn fetch_without_a_runtime_fails() {
    let (cache, _) = cache([]);
    let Lookup::Wait(pending) = cache.lookup() else { panic!("the cache is empty") };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(runtime.block_on(cache.outcome(pending)).unwrap().is_err());
}

#[test]
fn runtime_that_was_shut_down_leaves_no_lock_and_no_fetch_behind() {
    let (cache, _) = cache([]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let handle = runtime.handle().clone();
    drop(runtime);
    let (done, ended) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let _entered = handle.enter();
        done.send(
            matches!(cache.lookup(), Lookup::Wait(_)) && cache.lock().flight.current().is_none(),
        )
    });
    assert_eq!(ended.recv_timeout(Duration::from_secs(20)), Ok(true));
}
