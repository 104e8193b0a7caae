//! Limits how many passwords are hashed at once and how many calls wait.

use std::{panic::resume_unwind, sync::Arc};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::{JoinHandle, spawn_blocking},
};

/// A bounded queue for permits to hash a password.
///
/// A call that is reset while it waits leaves the queue. A hash that has begun can't be stopped and keeps its
/// permit until it ends, also if its call is reset. Otherwise callers could reset calls to exceed the limit.
pub(super) struct HashingQueue {
    /// One permit for each call that hashes or waits.
    admitted: Arc<Semaphore>,
    /// One permit for each call that hashes.
    hashing: Arc<Semaphore>,
}

/// The queue is full.
#[derive(Debug)]
pub(super) struct QueueFull;

/// The hash wasn't computed because the runtime is shutting down.
#[derive(Debug)]
pub(super) struct RuntimeStopped;

/// A permit to hash a password.
pub(super) struct HashingPermit {
    _admitted: OwnedSemaphorePermit,
    _hashing: OwnedSemaphorePermit,
}

impl HashingQueue {
    pub(super) fn new(max_concurrent: usize, max_queued: usize) -> Self {
        let limit = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        let admitted = limit(max_concurrent.saturating_add(max_queued));
        HashingQueue { admitted, hashing: limit(max_concurrent) }
    }

    /// Waits for a permit, in the order of arrival.
    pub(super) async fn acquire(&self) -> Result<HashingPermit, QueueFull> {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| QueueFull)?;
        let hashing = Arc::clone(&self.hashing).acquire_owned().await.map_err(|_| QueueFull)?;
        Ok(HashingPermit { _admitted: admitted, _hashing: hashing })
    }
}

impl HashingPermit {
    /// Runs `work` on a blocking thread and resumes its panic in the caller.
    ///
    /// If the future is dropped before `work` begins, `work` never runs.
    pub(super) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, RuntimeStopped> {
        let work = spawn_blocking(move || {
            let _permit = self;
            work()
        });
        let mut task = AbortOnDrop(work);
        match (&mut task.0).await {
            Ok(output) => Ok(output),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_) => Err(RuntimeStopped),
            },
        }
    }
}

/// A task that is aborted when its handle is dropped, unless it has begun.
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

    /// Work that reports its start and ends when the test sends a message.
    struct ControlledWork {
        started: tokio::sync::mpsc::UnboundedReceiver<()>,
        report_start: tokio::sync::mpsc::UnboundedSender<()>,
        finish: mpsc::Sender<()>,
        finishes: Arc<Mutex<mpsc::Receiver<()>>>,
    }

    impl ControlledWork {
        fn new() -> Self {
            let (report_start, started) = tokio::sync::mpsc::unbounded_channel();
            let (finish, finishes) = mpsc::channel();
            let finishes = Arc::new(Mutex::new(finishes));
            ControlledWork { started, report_start, finish, finishes }
        }

        fn closure(&self) -> impl FnOnce() + Send + 'static {
            let (report_start, finishes) = (self.report_start.clone(), Arc::clone(&self.finishes));
            move || {
                _ = report_start.send(());
                // One thread waits for the message and the others for the lock.
                _ = finishes.lock().unwrap().recv_timeout(LIMIT);
            }
        }

        async fn started(&mut self) {
            timeout(LIMIT, self.started.recv()).await.expect("the work starts").unwrap();
        }
    }

    async fn within_limit<T>(future: impl Future<Output = T>) -> T {
        timeout(LIMIT, future).await.expect("the future completes in time")
    }

    #[tokio::test]
    async fn reset_call_keeps_its_permit_until_the_work_ends() {
        let (queue, mut work) = (HashingQueue::new(1, 1), ControlledWork::new());
        let call = {
            let (permit, closure) = (queue.acquire().await.unwrap(), work.closure());
            tokio::spawn(async move { permit.run(closure).await })
        };
        work.started().await;
        call.abort();
        assert!(within_limit(call).await.unwrap_err().is_cancelled());
        // The work goes on and keeps its permit. The place in the queue is free.
        let mut next = Box::pin(queue.acquire());
        assert!(timeout(Duration::from_millis(50), &mut next).await.is_err());
        assert!(queue.acquire().await.is_err(), "full");
        work.finish.send(()).unwrap();
        assert!(within_limit(next).await.is_ok());
    }

    #[tokio::test]
    async fn call_beyond_the_concurrency_limit_waits() {
        let (queue, mut work) = (HashingQueue::new(2, 1), ControlledWork::new());
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..2 {
            let (permit, closure) = (within_limit(queue.acquire()).await.unwrap(), work.closure());
            calls.spawn(async move { permit.run(closure).await });
            work.started().await;
        }
        let mut next = Box::pin(queue.acquire());
        assert!(timeout(Duration::from_millis(50), &mut next).await.is_err());
        work.finish.send(()).unwrap();
        assert!(within_limit(next).await.is_ok());
        work.finish.send(()).unwrap();
        while let Some(done) = within_limit(calls.join_next()).await {
            done.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn reset_call_that_waits_leaves_the_queue() {
        let queue = HashingQueue::new(1, 1);
        let permit = queue.acquire().await.unwrap();
        for _ in 0..3 {
            let mut waiting = Box::pin(queue.acquire());
            assert!(timeout(Duration::from_millis(1), &mut waiting).await.is_err());
            assert!(queue.acquire().await.is_err(), "full");
        }
        drop(permit);
        assert!(within_limit(queue.acquire()).await.is_ok());
    }

    #[test]
    fn work_of_a_dropped_call_never_begins() {
        // The only blocking thread is busy with other work.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(1)
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (queue, mut work) = (HashingQueue::new(1, 0), ControlledWork::new());
            let other = spawn_blocking(work.closure());
            work.started().await;
            let ran = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&ran);
            let counted = move || count.fetch_add(1, Ordering::SeqCst);
            let mut call = Box::pin(queue.acquire().await.unwrap().run(counted));
            assert!(timeout(Duration::from_millis(1), &mut call).await.is_err());
            assert!(queue.acquire().await.is_err(), "the permit is taken");
            drop(call);
            work.finish.send(()).unwrap();
            within_limit(other).await.unwrap();
            // The thread takes work in the order of arrival.
            within_limit(spawn_blocking(|| ())).await.unwrap();
            assert_eq!(ran.load(Ordering::SeqCst), 0);
            assert!(queue.acquire().await.is_ok(), "the permit is free");
        });
    }

    #[tokio::test]
    async fn panic_of_the_work_reaches_the_caller_and_frees_the_permit() {
        let queue = HashingQueue::new(1, 0);
        let permit = queue.acquire().await.unwrap();
        let call = tokio::spawn(async move { permit.run(|| panic!("as work may")).await });
        assert!(within_limit(call).await.unwrap_err().is_panic());
        assert!(within_limit(queue.acquire()).await.is_ok());
    }
}
