use std::{
    io::Write,
    sync::{Arc, Mutex, MutexGuard, Once, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use tracing::{Level, subscriber::DefaultGuard};
use tracing_subscriber::{filter::Targets, fmt::format::FmtSpan, prelude::*};

use crate::LIMIT;

/// What tonic-guard logs, at every level, as text.
///
/// A test binary uses either [`Log::of_process`] or [`Log::of_thread`]: both set the global subscriber.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.text().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// The log of all tests of this process, from the first call of this function on. It has the events, and
    /// where spans are entered and left.
    pub fn of_process() -> &'static Log {
        static LOG: OnceLock<Log> = OnceLock::new();
        LOG.get_or_init(|| {
            let log = Log::default();
            let writer = log.clone();
            let lines = tracing_subscriber::fmt::layer()
                .with_span_events(FmtSpan::ENTER | FmtSpan::EXIT)
                .with_ansi(false)
                .without_time()
                .with_writer(move || writer.clone());
            let ours = Targets::new().with_target("tonic_guard", Level::TRACE);
            tracing_subscriber::registry().with(lines.with_filter(ours)).init();
            log
        })
    }

    /// The log of what runs on this thread until the guard is dropped.
    pub fn of_thread() -> (Log, DefaultGuard) {
        // tracing caches for the whole process whether an event has a subscriber, while the subscribers of other
        // threads come and go. A global one keeps every event enabled.
        static GLOBAL: Once = Once::new();
        GLOBAL.call_once(|| {
            let sink =
                tracing_subscriber::fmt().with_max_level(Level::TRACE).with_writer(std::io::sink);
            sink.init();
        });
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::TRACE)
            .with_ansi(false)
            .without_time()
            .with_writer(move || writer.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// Removes all lines and returns those of tonic-guard.
    pub fn take_lines(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.text());
        let text = String::from_utf8_lossy(&bytes);
        text.lines().filter(|line| line.contains("tonic_guard:")).map(str::to_owned).collect()
    }

    /// The current end of the log.
    pub fn mark(&self) -> usize {
        self.text().len()
    }

    /// The text after `mark`.
    pub fn since(&self, mark: usize) -> String {
        String::from_utf8_lossy(self.text().get(mark..).unwrap_or_default()).into_owned()
    }

    /// Waits for a line after `mark` that contains all of `parts`.
    ///
    /// # Panics
    /// When none comes within [`LIMIT`].
    pub async fn wait_for_line(&self, mark: usize, parts: &[&str]) {
        let matches = |line: &str| parts.iter().all(|part| line.contains(part));
        let deadline = Instant::now() + LIMIT;
        while !self.since(mark).lines().any(matches) {
            assert!(Instant::now() < deadline, "no line with {parts:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn text(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
