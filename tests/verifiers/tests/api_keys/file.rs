//! A file of keys that is replaced while the server runs.

use std::{
    io::Write,
    path::PathBuf,
    sync::{Arc, Mutex, Once, OnceLock},
    time::{Duration, Instant},
};

use tonic_guard::api_keys::{ApiKeys, KeyRecord};
use tonic_guard_verifier_tests::Serving;

use crate::{Partner, call, new_key, refused, serve};

/// Far more than the second after which a change is seen.
const LIMIT: Duration = Duration::from_secs(30);

struct KeyFile(PathBuf);

impl KeyFile {
    fn new(name: &str, content: &str) -> Self {
        let name = format!("tonic-guard-keys-{}-{name}.json", std::process::id());
        let file = KeyFile(std::env::temp_dir().join(name));
        file.replace(content);
        file
    }

    fn replace(&self, content: &str) {
        let beside = self.0.with_extension("new");
        std::fs::write(&beside, content).unwrap();
        std::fs::rename(&beside, &self.0).unwrap();
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        _ = std::fs::remove_file(&self.0);
    }
}

/// The partner `acme` with these keys, as the file says it.
fn acme(records: &[&KeyRecord]) -> String {
    let records: Vec<_> = records.iter().map(ToString::to_string).collect();
    format!(r#"[{{"identity": {{"name": "acme"}}, "keys": [{}]}}]"#, records.join(", "))
}

/// Waits until a call with `key` ends so.
async fn until(serving: &Serving, key: &str, expected: Result<String, String>) {
    let deadline = Instant::now() + LIMIT;
    loop {
        let answer = call(serving, key).await;
        if answer == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{answer:?} and not {expected:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn keys(file: &KeyFile) -> ApiKeys<Partner> {
    ApiKeys::from_file(&file.0).unwrap()
}

#[tokio::test]
async fn a_partner_changes_keys_without_a_call_refused() {
    let ((old, olds), (new, news)) = (new_key(), new_key());
    let file = KeyFile::new("rotation", &acme(&[&olds]));
    let serving = serve(keys(&file)).await;
    assert_eq!(call(&serving, &old).await.unwrap(), "acme");
    assert_eq!(call(&serving, &new).await, refused("API_KEY_INVALID"));
    file.replace(&acme(&[&olds, &news]));
    until(&serving, &new, Ok("acme".into())).await;
    assert_eq!(call(&serving, &old).await.unwrap(), "acme");
    file.replace(&acme(&[&news]));
    until(&serving, &old, refused("API_KEY_INVALID")).await;
    assert_eq!(call(&serving, &new).await.unwrap(), "acme");
    // Nobody has a key: that is obeyed too.
    file.replace("[]");
    until(&serving, &new, refused("API_KEY_INVALID")).await;
}

#[tokio::test]
async fn an_end_in_the_file_is_obeyed() {
    let (key, record) = new_key();
    let file = KeyFile::new("end", &acme(&[&record]));
    let serving = serve(keys(&file)).await;
    assert_eq!(call(&serving, &key).await.unwrap(), "acme");
    let past = acme(&[&record]).replace("}]}]", r#", "expires": "2020-01-31T00:00:00Z"}]}]"#);
    file.replace(&past);
    until(&serving, &key, refused("ACCESS_TOKEN_EXPIRED")).await;
    file.replace(&past.replace("2020", "9020"));
    until(&serving, &key, Ok("acme".into())).await;
}

/// What all tests of this process have logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn get() -> &'static Log {
        static LOG: OnceLock<Log> = OnceLock::new();
        static BEGIN: Once = Once::new();
        let log = LOG.get_or_init(Log::default);
        BEGIN.call_once(|| {
            tracing_subscriber::fmt()
                .with_max_level(tracing::Level::TRACE)
                .with_ansi(false)
                .with_writer(move || log.clone())
                .init();
        });
        log
    }

    /// How much there is by now.
    fn mark(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn since(&self, mark: usize) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()[mark..]).into_owned()
    }

    /// Waits for a line behind `mark` that holds all of these.
    async fn line(&self, mark: usize, words: &[&str]) {
        let holds = |line: &str| words.iter().all(|word| line.contains(word));
        let deadline = Instant::now() + LIMIT;
        while !self.since(mark).lines().any(holds) {
            assert!(Instant::now() < deadline, "no line {words:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn a_bad_file_changes_nothing_and_is_told_to_the_operator_alone() {
    let log = Log::get();
    let ((key, record), (other, others)) = (new_key(), new_key());
    let file = KeyFile::new("bad", &acme(&[&record]));
    let path = file.0.to_str().unwrap().to_owned();
    let serving = serve(keys(&file)).await;
    let twice = acme(&[&record, &record]);
    let half = acme(&[&others]).replace("}]}]", "");
    for (bad, why) in [
        ("", "ends too early"),
        ("{}", "a field is missing"),
        (&*twice, "two keys have the id"),
        (&*half, "ends too early"),
    ] {
        let mark = log.mark();
        file.replace(bad);
        log.line(mark, &["ERROR", "tonic_guard", "still hold", &path, why]).await;
        assert_eq!(call(&serving, &key).await.unwrap(), "acme", "{why}");
        assert_eq!(call(&serving, &other).await, refused("API_KEY_INVALID"), "{why}");
    }
    let mark = log.mark();
    std::fs::remove_file(&file.0).unwrap();
    log.line(mark, &["ERROR", "tonic_guard", "still hold", &path]).await;
    assert_eq!(call(&serving, &key).await.unwrap(), "acme");
    let mark = log.mark();
    file.replace(&acme(&[&others]));
    log.line(mark, &["INFO", "tonic_guard", "hold now", &path]).await;
    assert_eq!(call(&serving, &other).await.unwrap(), "acme");
    assert_eq!(call(&serving, &key).await, refused("API_KEY_INVALID"));
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_told_at_start() {
    let missing = std::env::temp_dir().join("tonic-guard-keys-nowhere.json");
    let told = ApiKeys::<Partner>::from_file(&missing).unwrap_err().to_string();
    assert!(told.contains("tonic-guard-keys-nowhere.json"), "{told}");
    let file = KeyFile::new("start", r#"[{"identity": {}, "keys": []}]"#);
    let told = ApiKeys::<Partner>::from_file(&file.0).unwrap_err().to_string();
    assert!(told.contains("line 1, column 16: a field is missing"), "{told}");
}

#[tokio::test]
async fn no_key_is_logged() {
    let log = Log::get();
    let mark = log.mark();
    let ((good, record), (unknown, _)) = (new_key(), new_key());
    let serving =
        serve(ApiKeys::new([(Partner::new("acme"), vec![record.clone()])]).unwrap()).await;
    let typo = format!("{good}0");
    for key in [&good, &unknown, &typo] {
        _ = call(&serving, key).await;
    }
    let id = &unknown[10..22];
    log.line(mark, &["refused", "API_KEY_INVALID", &format!("no key has the id {id}")]).await;
    let text = log.since(0);
    for key in [good, unknown, typo] {
        assert!(!text.contains(&key[23..40]));
    }
}
