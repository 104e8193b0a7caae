//! A credentials file that may be replaced while the server runs.

use std::{
    error::Error,
    fmt,
    fs::File,
    io::{self, Read},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    thread,
    time::Duration,
};

use arc_swap::{ArcSwap, Guard};

use super::digest::sha256;

/// How often the file is read.
const INTERVAL: Duration = Duration::from_secs(1);

/// The maximum size of the file. A hundred thousand API keys take some 15 MiB.
const MAX_SIZE: u64 = 64 * 1024 * 1024;

type Cause = Box<dyn Error + Send + Sync>;

/// Parses the file's content.
pub(crate) type Parse<T> = fn(&[u8]) -> Result<T, Cause>;

/// The value of the file's latest valid content. Reading it takes no lock.
pub(crate) struct ReloadingFile<T>(Arc<ArcSwap<T>>);

impl<T: Send + Sync + 'static> ReloadingFile<T> {
    /// A value that comes from no file and never changes.
    pub(crate) fn fixed(value: T) -> Self {
        ReloadingFile(Arc::new(ArcSwap::from_pointee(value)))
    }

    /// Reads the file, and reads it again whenever its content changes, until the value is dropped.
    ///
    /// The contents are compared, because a file that is written twice within one tick of the file
    /// system's clock, or copied with its timestamps, has the same size and time. A thread watches the
    /// file, because a task would end with its runtime, and a removed credential would stay valid.
    pub(crate) fn open(path: PathBuf, parse: Parse<T>) -> Result<Self, FileError> {
        let open = || {
            let content = read(&path)?;
            let current = Arc::new(ArcSwap::from_pointee(parse(&content)?));
            let watcher = Watcher {
                current: Arc::downgrade(&current),
                path: path.clone(),
                parse,
                digest: sha256(&content),
                last_error: None,
            };
            thread::Builder::new().name("tonic-guard-file".into()).spawn(move || watcher.run())?;
            Ok(ReloadingFile(current))
        };
        open().map_err(|cause| FileError { path: path.clone(), cause })
    }

    pub(crate) fn load(&self) -> Guard<Arc<T>> {
        self.0.load()
    }
}

struct Watcher<T> {
    current: Weak<ArcSwap<T>>,
    path: PathBuf,
    parse: Parse<T>,
    /// The SHA-256 of the content in use.
    digest: [u8; 32],
    /// The error that was logged last, so that a lasting error isn't logged every second.
    last_error: Option<String>,
}

impl<T> Watcher<T> {
    fn run(mut self) {
        loop {
            thread::sleep(INTERVAL);
            let Some(current) = self.current.upgrade() else {
                return;
            };
            // `Drop` of the old value and the `tracing` subscriber are the user's code. If a panic of
            // them ended this thread, removed credentials would stay valid.
            _ = catch_unwind(AssertUnwindSafe(|| self.reload_if_changed(&current)));
        }
    }

    fn reload_if_changed(&mut self, current: &ArcSwap<T>) {
        let reloaded = read(&self.path).map_err(Cause::from).and_then(|content| {
            let digest = sha256(&content);
            if digest == self.digest {
                return Ok(None);
            }
            // The `Deserialize` of an identity is the user's code.
            catch_unwind(AssertUnwindSafe(|| (self.parse)(&content)))
                .unwrap_or_else(|_| Err("the file's parser panicked".into()))
                .map(|value| Some((digest, value)))
        });
        match reloaded {
            Ok(changed) => {
                // Dropped at the end of the function, as its `Drop` may panic.
                let _previous = match changed {
                    Some((digest, value)) => {
                        self.digest = digest;
                        Some(current.swap(Arc::new(value)))
                    }
                    None if self.last_error.is_none() => return,
                    None => None,
                };
                self.last_error = None;
                tracing::info!(
                    target: "tonic_guard",
                    file = %self.path.display(),
                    "the credentials file is in use",
                );
            }
            Err(cause) => {
                let error = cause.to_string();
                if self.last_error.as_ref() != Some(&error) {
                    tracing::error!(
                        target: "tonic_guard",
                        file = %self.path.display(),
                        cause = &*cause as &(dyn Error + 'static),
                        "the credentials file can't be used: the previous credentials stay valid",
                    );
                    self.last_error = Some(error);
                }
            }
        }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(MAX_SIZE + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_SIZE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file has more than 64 MiB"));
    }
    Ok(content)
}

/// Why a credentials file can't be used.
///
/// It names the file and the position in it, and never quotes a hash.
#[derive(Debug)]
pub struct FileError {
    path: PathBuf,
    cause: Cause,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.cause)
    }
}

impl Error for FileError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(content: &[u8]) -> Result<String, Cause> {
        match content {
            b"bad" => Err("the content is bad".into()),
            b"panic" => panic!("a user's code"),
            _ => Ok(String::from_utf8_lossy(content).into_owned()),
        }
    }

    struct RemoveOnDrop(PathBuf);

    impl Drop for RemoveOnDrop {
        fn drop(&mut self) {
            _ = std::fs::remove_file(&self.0);
        }
    }

    fn temporary(name: &str) -> RemoveOnDrop {
        let name = format!("tonic-guard-{}-{name}", std::process::id());
        RemoveOnDrop(std::env::temp_dir().join(name))
    }

    /// A watcher without a thread: the test calls it.
    struct Fixture {
        path: RemoveOnDrop,
        current: Arc<ArcSwap<String>>,
        watcher: Watcher<String>,
    }

    impl Fixture {
        fn new(name: &str) -> Self {
            let path = temporary(name);
            let current = Arc::new(ArcSwap::from_pointee("first".to_owned()));
            let watcher = Watcher {
                current: Arc::downgrade(&current),
                path: path.0.clone(),
                parse,
                digest: sha256(b"first"),
                last_error: None,
            };
            Fixture { path, current, watcher }
        }

        fn write_and_reload(&mut self, content: &[u8]) -> String {
            std::fs::write(&self.path.0, content).unwrap();
            self.reload()
        }

        fn reload(&mut self) -> String {
            self.watcher.reload_if_changed(&self.current);
            self.current.load().to_string()
        }
    }

    #[test]
    fn new_content_is_used_and_bad_content_keeps_the_previous_value() {
        let mut file = Fixture::new("content");
        assert_eq!(file.reload(), "first", "the file doesn't exist");
        assert!(file.watcher.last_error.is_some());
        assert_eq!(file.write_and_reload(b"first"), "first");
        assert!(file.watcher.last_error.is_none());
        assert_eq!(file.write_and_reload(b"other"), "other");
        for content in ["bad", "panic"] {
            assert_eq!(file.write_and_reload(content.as_bytes()), "other");
            assert!(file.watcher.last_error.is_some(), "{content}");
        }
        assert_eq!(file.write_and_reload(b"third"), "third");
        assert!(file.watcher.last_error.is_none());
    }

    #[test]
    fn new_content_of_the_same_size_and_time_is_used() {
        let mut file = Fixture::new("time");
        assert_eq!(file.write_and_reload(b"other"), "other");
        let before = std::fs::metadata(&file.path.0).unwrap().modified().unwrap();
        std::fs::write(&file.path.0, b"third").unwrap();
        File::options().write(true).open(&file.path.0).unwrap().set_modified(before).unwrap();
        assert_eq!(file.reload(), "third");
    }

    #[test]
    fn file_larger_than_the_maximum_is_rejected() {
        let file = Fixture::new("size");
        File::create(&file.path.0).unwrap().set_len(MAX_SIZE + 1).unwrap();
        assert_eq!(read(&file.path.0).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        File::create(&file.path.0).unwrap().set_len(MAX_SIZE).unwrap();
        assert_eq!(read(&file.path.0).unwrap().len() as u64, MAX_SIZE);
    }

    /// Panics when the watcher drops the first one.
    struct PanicsOnDrop(String);

    impl Drop for PanicsOnDrop {
        fn drop(&mut self) {
            assert_ne!(self.0, "first", "a user's code");
        }
    }

    #[test]
    fn value_that_panics_on_drop_does_not_end_the_thread() {
        let path = temporary("drop");
        let put = |content: &str| std::fs::write(&path.0, content).unwrap();
        put("first");
        let parse: Parse<PanicsOnDrop> =
            |content| Ok(PanicsOnDrop(String::from_utf8(content.into())?));
        let file = ReloadingFile::open(path.0.clone(), parse).unwrap();
        for content in ["second", "third"] {
            put(content);
            let deadline = std::time::Instant::now() + 30 * INTERVAL;
            while file.load().0 != content {
                assert!(std::time::Instant::now() < deadline, "{content} isn't loaded");
                thread::sleep(INTERVAL / 20);
            }
        }
    }

    #[test]
    fn thread_ends_after_the_value_is_dropped() {
        let Fixture { watcher, current, .. } = Fixture::new("thread");
        drop(current);
        let thread = thread::spawn(move || watcher.run());
        let deadline = std::time::Instant::now() + 30 * INTERVAL;
        while !thread.is_finished() {
            assert!(std::time::Instant::now() < deadline, "the thread still runs");
            thread::sleep(INTERVAL / 50);
        }
    }
}
