use std::{
    io::Write,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Instant,
};

use tracing::Level;
use tracing_subscriber::{filter::Targets, fmt::format::FmtSpan, prelude::*};

use crate::LIMIT;

/// What the crate has logged in all tests of this process, at the finest level there is: events, and
/// where spans are entered and left.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// The log of this process. It begins when it is first asked for.
    pub fn get() -> &'static Log {
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

    /// How much there is by now.
    pub fn mark(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// What there is behind `mark`.
    pub fn since(&self, mark: usize) -> String {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(log.get(mark..).unwrap_or_default()).into_owned()
    }

    /// Waits for a line behind `mark` that holds all of these.
    ///
    /// # Panics
    /// When there is none in time.
    pub async fn line(&self, mark: usize, words: &[&str]) {
        let holds = |line: &str| words.iter().all(|word| line.contains(word));
        let deadline = Instant::now() + LIMIT;
        while !self.since(mark).lines().any(holds) {
            assert!(Instant::now() < deadline, "no line {words:?}");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}
