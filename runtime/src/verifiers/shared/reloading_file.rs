//! A file of credentials that may be replaced while the server runs.

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
use aws_lc_rs::digest::{Digest, SHA256, digest};

/// How often the file is looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// How large the file may be. A hundred thousand keys have some 15 MiB.
const MAX_SIZE: u64 = 64 * 1024 * 1024;

type Cause = Box<dyn Error + Send + Sync>;

/// Makes a `T` of the file's content.
pub(crate) type Parse<T> = fn(&[u8]) -> Result<T, Cause>;

/// The `T` of a file's latest good content. A reader takes no lock.
pub(crate) struct Watched<T>(Arc<ArcSwap<T>>);

impl<T: Send + Sync + 'static> Watched<T> {
    /// One that no file changes.
    pub(crate) fn fixed(value: T) -> Self {
        Watched(Arc::new(ArcSwap::from_pointee(value)))
    }

    /// Reads the file, and again whenever its content changes, for as long as this is held.
    ///
    /// The content is compared, not the time or the size that the file system tells: a file that was
    /// written twice within one tick, or copied with its times, is seen all the same. A thread does it
    /// and no task: it outlives every runtime that holds this, so that a removed key can't stay good
    /// because a runtime has ended.
    pub(crate) fn file(path: PathBuf, parse: Parse<T>) -> Result<Self, FileError> {
        let begin = || {
            let content = read(&path)?;
            let current = Arc::new(ArcSwap::from_pointee(parse(&content)?));
            let watcher = Watcher {
                current: Arc::downgrade(&current),
                path: path.clone(),
                parse,
                seen: digest(&SHA256, &content),
                failure: None,
            };
            thread::Builder::new().name("tonic-guard-file".into()).spawn(move || watcher.run())?;
            Ok(Watched(current))
        };
        begin().map_err(|cause| FileError { path: path.clone(), cause })
    }

    pub(crate) fn load(&self) -> Guard<Arc<T>> {
        self.0.load()
    }
}

struct Watcher<T> {
    current: Weak<ArcSwap<T>>,
    path: PathBuf,
    parse: Parse<T>,
    seen: Digest,
    /// What was told last, so that one failure isn't told every second.
    failure: Option<String>,
}

impl<T> Watcher<T> {
    fn run(mut self) {
        loop {
            thread::sleep(INTERVAL);
            let Some(current) = self.current.upgrade() else {
                return;
            };
            // What is dropped here, and who hears the events, is the user's code as well: a panic must not
            // keep what is taken out of the file good for ever.
            _ = catch_unwind(AssertUnwindSafe(|| self.look(&current)));
        }
    }

    fn look(&mut self, current: &ArcSwap<T>) {
        let looked = read(&self.path).map_err(Cause::from).and_then(|content| {
            let now = digest(&SHA256, &content);
            if now.as_ref() == self.seen.as_ref() {
                return Ok(None);
            }
            // An identity's `Deserialize` is the user's code.
            catch_unwind(AssertUnwindSafe(|| (self.parse)(&content)))
                .unwrap_or_else(|_| Err("reading it panicked".into()))
                .map(|value| Some((now, value)))
        });
        match looked {
            Ok(changed) => {
                // Dropped when all else is done.
                let _before = match changed {
                    Some((now, value)) => {
                        self.seen = now;
                        Some(current.swap(Arc::new(value)))
                    }
                    None if self.failure.is_none() => return,
                    None => None,
                };
                self.failure = None;
                tracing::info!(
                    target: "tonic_guard",
                    file = %self.path.display(),
                    "the credentials in this file hold now",
                );
            }
            Err(cause) => {
                let told = cause.to_string();
                if self.failure.as_ref() != Some(&told) {
                    tracing::error!(
                        target: "tonic_guard",
                        file = %self.path.display(),
                        cause = &*cause as &(dyn Error + 'static),
                        "this file can't be used: the credentials that it held before still hold",
                    );
                    self.failure = Some(told);
                }
            }
        }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(MAX_SIZE + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_SIZE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it has more than 64 MiB"));
    }
    Ok(content)
}

/// What serde_json says of a content that it can't read, without quoting it: it holds hashes.
pub(crate) fn json_error(error: &serde_json::Error) -> Cause {
    use serde_json::error::Category;

    let what = match error.classify() {
        Category::Data => "a field is missing, unknown or of another type",
        Category::Io | Category::Syntax => "this isn't JSON",
        Category::Eof => "the JSON ends too early",
    };
    format!("line {}, column {}: {what}", error.line(), error.column()).into()
}

/// Why a file of credentials can't be used.
///
/// It names the file and the place in it, and quotes no hash.
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
            b"bad" => Err("it is bad".into()),
            b"panic" => panic!("a user's code"),
            _ => Ok(String::from_utf8_lossy(content).into_owned()),
        }
    }

    struct Remove(PathBuf);

    impl Drop for Remove {
        fn drop(&mut self) {
            _ = std::fs::remove_file(&self.0);
        }
    }

    /// A watcher whose looks this test takes itself.
    struct Fixture {
        path: Remove,
        current: Arc<ArcSwap<String>>,
        watcher: Watcher<String>,
    }

    impl Fixture {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("tonic-guard-{}-{name}", std::process::id()));
            let current = Arc::new(ArcSwap::from_pointee("first".to_owned()));
            let watcher = Watcher {
                current: Arc::downgrade(&current),
                path: path.clone(),
                parse,
                seen: digest(&SHA256, b"first"),
                failure: None,
            };
            Fixture { path: Remove(path), current, watcher }
        }

        fn after(&mut self, content: &[u8]) -> String {
            std::fs::write(&self.path.0, content).unwrap();
            self.look()
        }

        fn look(&mut self) -> String {
            self.watcher.look(&self.current);
            self.current.load().to_string()
        }
    }

    #[test]
    fn a_new_content_holds_and_one_that_fails_leaves_the_last() {
        let mut file = Fixture::new("content");
        assert_eq!(file.look(), "first", "there is no file");
        assert!(file.watcher.failure.is_some());
        assert_eq!(file.after(b"first"), "first");
        assert!(file.watcher.failure.is_none());
        assert_eq!(file.after(b"other"), "other");
        for content in ["bad", "panic"] {
            assert_eq!(file.after(content.as_bytes()), "other");
            assert!(file.watcher.failure.is_some(), "{content}");
        }
        assert_eq!(file.after(b"third"), "third");
        assert!(file.watcher.failure.is_none());
    }

    #[test]
    fn one_of_the_same_size_and_time_is_seen() {
        let mut file = Fixture::new("time");
        assert_eq!(file.after(b"other"), "other");
        let before = std::fs::metadata(&file.path.0).unwrap().modified().unwrap();
        std::fs::write(&file.path.0, b"third").unwrap();
        File::options().write(true).open(&file.path.0).unwrap().set_modified(before).unwrap();
        assert_eq!(file.look(), "third");
    }

    #[test]
    fn one_that_is_too_large_is_an_error() {
        let file = Fixture::new("size");
        File::create(&file.path.0).unwrap().set_len(MAX_SIZE + 1).unwrap();
        assert_eq!(read(&file.path.0).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        File::create(&file.path.0).unwrap().set_len(MAX_SIZE).unwrap();
        assert_eq!(read(&file.path.0).unwrap().len() as u64, MAX_SIZE);
    }

    /// The first one panics when the watcher drops it.
    struct Fragile(String);

    impl Drop for Fragile {
        fn drop(&mut self) {
            assert_ne!(self.0, "first", "a user's code");
        }
    }

    #[test]
    fn a_value_whose_drop_panics_doesnt_end_the_watch() {
        let path = std::env::temp_dir().join(format!("tonic-guard-{}-drop", std::process::id()));
        let path = Remove(path);
        let put = |content: &str| std::fs::write(&path.0, content).unwrap();
        put("first");
        let parse: Parse<Fragile> = |content| Ok(Fragile(String::from_utf8(content.into())?));
        let watched = Watched::file(path.0.clone(), parse).unwrap();
        for content in ["second", "third"] {
            put(content);
            let deadline = std::time::Instant::now() + 30 * INTERVAL;
            while watched.load().0 != content {
                assert!(std::time::Instant::now() < deadline, "{content} wasn't seen");
                thread::sleep(INTERVAL / 20);
            }
        }
    }

    #[test]
    fn the_thread_ends_with_the_last_holder() {
        let Fixture { watcher, current, .. } = Fixture::new("thread");
        drop(current);
        let thread = thread::spawn(move || watcher.run());
        let deadline = std::time::Instant::now() + 30 * INTERVAL;
        while !thread.is_finished() {
            assert!(std::time::Instant::now() < deadline, "it goes on");
            thread::sleep(INTERVAL / 50);
        }
    }
}
