//! Who may compute, and when.

use std::{panic::resume_unwind, sync::Arc};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::{JoinHandle, spawn_blocking},
};

/// Bounds how much work is under way, and how much waits for it.
///
/// A call that waits gives its place back when it is reset. Work that has begun can't be stopped, and
/// holds its turn until it is done, whoever still waits for it: so many are never at work at once that
/// callers who come and go could pile up more.
pub(super) struct Turns {
    /// For all that are at work or wait.
    places: Arc<Semaphore>,
    /// For those at work.
    turns: Arc<Semaphore>,
}

/// Nobody more may wait.
#[derive(Debug)]
pub(super) struct Full;

/// The work came to no end: the runtime is shutting down.
#[derive(Debug)]
pub(super) struct Stopped;

/// The right to be at work.
pub(super) struct Turn {
    _place: OwnedSemaphorePermit,
    _turn: OwnedSemaphorePermit,
}

impl Turns {
    pub(super) fn new(at_once: usize, waiting: usize) -> Self {
        let limit = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        Turns { places: limit(at_once.saturating_add(waiting)), turns: limit(at_once) }
    }

    /// Waits for a turn: first come, first served.
    pub(super) async fn next(&self) -> Result<Turn, Full> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Full)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Full)?;
        Ok(Turn { _place: place, _turn: turn })
    }
}

impl Turn {
    /// Runs `work` where it may block. Dropped before it begins, it doesn't; a panic goes on here.
    pub(super) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let work = spawn_blocking(move || {
            let _turn = self;
            work()
        });
        let mut abandoned = AbortOnDrop(work);
        match (&mut abandoned.0).await {
            Ok(done) => Ok(done),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_) => Err(Stopped),
            },
        }
    }
}

/// A task that isn't begun once nobody waits for it.
struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Mutex,
            atomic::{AtomicUsize, Ordering},
            mpsc,
        },
        time::Duration,
    };

    use tokio::time::timeout;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    /// Work that is done when it is told so, and says when it begins.
    struct Held {
        begun: tokio::sync::mpsc::UnboundedReceiver<()>,
        begin: tokio::sync::mpsc::UnboundedSender<()>,
        end: mpsc::Sender<()>,
        ended: Arc<Mutex<mpsc::Receiver<()>>>,
    }

    impl Held {
        fn new() -> Self {
            let (begin, begun) = tokio::sync::mpsc::unbounded_channel();
            let (end, ended) = mpsc::channel();
            Held { begun, begin, end, ended: Arc::new(Mutex::new(ended)) }
        }

        fn work(&self) -> impl FnOnce() + Send + 'static {
            let (begin, ended) = (self.begin.clone(), Arc::clone(&self.ended));
            move || {
                _ = begin.send(());
                // Whoever has the lock waits for its own end; the other one waits for the lock.
                _ = ended.lock().unwrap().recv_timeout(LIMIT);
            }
        }

        async fn begins(&mut self) {
            timeout(LIMIT, self.begun.recv()).await.expect("it begins").unwrap();
        }
    }

    async fn soon<T>(future: impl Future<Output = T>) -> T {
        timeout(LIMIT, future).await.expect("in time")
    }

    #[tokio::test]
    async fn a_call_that_goes_away_frees_nothing_that_is_at_work() {
        let (turns, mut held) = (Turns::new(1, 1), Held::new());
        let call = {
            let (turn, work) = (turns.next().await.unwrap(), held.work());
            tokio::spawn(async move { turn.run(work).await })
        };
        held.begins().await;
        call.abort();
        assert!(soon(call).await.unwrap_err().is_cancelled());
        // The work goes on, so there is no turn; the place beside it is free.
        let mut next = Box::pin(turns.next());
        assert!(timeout(Duration::from_millis(50), &mut next).await.is_err());
        assert!(turns.next().await.is_err(), "full");
        held.end.send(()).unwrap();
        assert!(soon(next).await.is_ok());
    }

    #[tokio::test]
    async fn as_many_are_at_work_as_may_be_and_the_next_waits() {
        let (turns, mut held) = (Turns::new(2, 1), Held::new());
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..2 {
            let (turn, work) = (soon(turns.next()).await.unwrap(), held.work());
            calls.spawn(async move { turn.run(work).await });
            held.begins().await;
        }
        let mut next = Box::pin(turns.next());
        assert!(timeout(Duration::from_millis(50), &mut next).await.is_err());
        held.end.send(()).unwrap();
        assert!(soon(next).await.is_ok());
        held.end.send(()).unwrap();
        while let Some(done) = soon(calls.join_next()).await {
            done.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn a_call_that_waits_and_goes_away_frees_its_place() {
        let turns = Turns::new(1, 1);
        let turn = turns.next().await.unwrap();
        for _ in 0..3 {
            let mut waiting = Box::pin(turns.next());
            assert!(timeout(Duration::from_millis(1), &mut waiting).await.is_err());
            assert!(turns.next().await.is_err(), "full");
        }
        drop(turn);
        assert!(soon(turns.next()).await.is_ok());
    }

    #[test]
    fn work_that_has_not_begun_and_is_abandoned_never_begins() {
        // One thread for what blocks, which something else holds.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(1)
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (turns, mut held) = (Turns::new(1, 0), Held::new());
            let other = spawn_blocking(held.work());
            held.begins().await;
            let ran = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&ran);
            let work = move || count.fetch_add(1, Ordering::SeqCst);
            let mut call = Box::pin(turns.next().await.unwrap().run(work));
            assert!(timeout(Duration::from_millis(1), &mut call).await.is_err());
            assert!(turns.next().await.is_err(), "its turn is taken");
            drop(call);
            held.end.send(()).unwrap();
            soon(other).await.unwrap();
            // The thread takes work in the order in which it came.
            soon(spawn_blocking(|| ())).await.unwrap();
            assert_eq!(ran.load(Ordering::SeqCst), 0);
            assert!(turns.next().await.is_ok(), "its turn is free");
        });
    }

    #[tokio::test]
    async fn work_that_panics_panics_here_and_frees_its_turn() {
        let turns = Turns::new(1, 0);
        let turn = turns.next().await.unwrap();
        let call = tokio::spawn(async move { turn.run(|| panic!("as work may")).await });
        assert!(soon(call).await.unwrap_err().is_panic());
        assert!(soon(turns.next()).await.is_ok());
    }
}
