//! What the operator reads.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, Once},
};

use tracing::{Level, subscriber::DefaultGuard};

/// What was logged by everything that runs on this thread.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub(crate) fn begin() -> (Log, DefaultGuard) {
        // Whether anyone listens is remembered for each event in the whole process, and other tests
        // begin and end beside this one: somebody always listens.
        static LISTENER: Once = Once::new();
        LISTENER.call_once(|| {
            let sink = tracing_subscriber::fmt().with_max_level(Level::TRACE);
            sink.with_writer(io::sink).init();
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

    /// The lines of this crate since the last time.
    pub(crate) fn ours(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        let text = String::from_utf8(bytes).unwrap();
        text.lines().filter(|line| line.contains("tonic_guard:")).map(str::to_owned).collect()
    }
}
