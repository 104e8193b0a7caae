//! A key file that is replaced while the server runs.

use std::time::{Duration, Instant};

use tonic_guard::api_keys::{ApiKeys, KeyRecord};
use tonic_guard_suite_support::{LIMIT, Log, TempFile};
use tonic_guard_verifier_tests::Serving;

use crate::{Partner, call, new_key, rejected, serve};

/// The content of a key file with the partner `acme` and these keys.
fn acme(records: &[&KeyRecord]) -> String {
    let records: Vec<_> = records.iter().map(ToString::to_string).collect();
    format!(r#"[{{"identity": {{"name": "acme"}}, "keys": [{}]}}]"#, records.join(", "))
}

/// Waits until a call with `key` has this outcome.
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

fn keys(file: &TempFile) -> ApiKeys<Partner> {
    ApiKeys::from_file(file.path()).unwrap()
}

#[tokio::test]
async fn key_rotation_rejects_no_call() {
    let ((old, olds), (new, news)) = (new_key(), new_key());
    let file = TempFile::new("rotation", &acme(&[&olds]));
    let serving = serve(keys(&file)).await;
    assert_eq!(call(&serving, &old).await.unwrap(), "acme");
    assert_eq!(call(&serving, &new).await, rejected("API_KEY_INVALID"));
    file.replace(&acme(&[&olds, &news]));
    until(&serving, &new, Ok("acme".into())).await;
    assert_eq!(call(&serving, &old).await.unwrap(), "acme");
    file.replace(&acme(&[&news]));
    until(&serving, &old, rejected("API_KEY_INVALID")).await;
    assert_eq!(call(&serving, &new).await.unwrap(), "acme");
    // An empty file is loaded, too.
    file.replace("[]");
    until(&serving, &new, rejected("API_KEY_INVALID")).await;
}

#[tokio::test]
async fn expiry_in_the_file_applies() {
    let (key, record) = new_key();
    let file = TempFile::new("end", &acme(&[&record]));
    let serving = serve(keys(&file)).await;
    assert_eq!(call(&serving, &key).await.unwrap(), "acme");
    let past = acme(&[&record]).replace("}]}]", r#", "expires": "2020-01-31T00:00:00Z"}]}]"#);
    file.replace(&past);
    until(&serving, &key, rejected("ACCESS_TOKEN_EXPIRED")).await;
    file.replace(&past.replace("2020", "9020"));
    until(&serving, &key, Ok("acme".into())).await;
}

#[tokio::test]
async fn bad_file_changes_nothing_and_is_logged() {
    let log = Log::of_process();
    let ((key, record), (other, others)) = (new_key(), new_key());
    let file = TempFile::new("bad", &acme(&[&record]));
    let path = file.path().to_str().unwrap().to_owned();
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
        log.wait_for_line(mark, &["ERROR", "tonic_guard", "stay valid", &path, why]).await;
        assert_eq!(call(&serving, &key).await.unwrap(), "acme", "{why}");
        assert_eq!(call(&serving, &other).await, rejected("API_KEY_INVALID"), "{why}");
    }
    let mark = log.mark();
    std::fs::remove_file(file.path()).unwrap();
    log.wait_for_line(mark, &["ERROR", "tonic_guard", "stay valid", &path]).await;
    assert_eq!(call(&serving, &key).await.unwrap(), "acme");
    let mark = log.mark();
    file.replace(&acme(&[&others]));
    log.wait_for_line(mark, &["INFO", "tonic_guard", "is in use", &path]).await;
    assert_eq!(call(&serving, &other).await.unwrap(), "acme");
    assert_eq!(call(&serving, &key).await, rejected("API_KEY_INVALID"));
}

#[tokio::test]
async fn bad_file_is_an_error_at_start() {
    let missing = std::env::temp_dir().join("tonic-guard-keys-nowhere.json");
    let message = ApiKeys::<Partner>::from_file(&missing).unwrap_err().to_string();
    assert!(message.contains("tonic-guard-keys-nowhere.json"), "{message}");
    let file = TempFile::new("start", r#"[{"identity": {}, "keys": []}]"#);
    let message = ApiKeys::<Partner>::from_file(file.path()).unwrap_err().to_string();
    assert!(message.contains("line 1, column 16: a field is missing"), "{message}");
}

#[tokio::test]
async fn keys_are_never_logged() {
    let log = Log::of_process();
    let mark = log.mark();
    let ((good, record), (unknown, _)) = (new_key(), new_key());
    let serving =
        serve(ApiKeys::new([(Partner::new("acme"), vec![record.clone()])]).unwrap()).await;
    let typo = format!("{good}0");
    for key in [&good, &unknown, &typo] {
        _ = call(&serving, key).await;
    }
    let id = &unknown[10..22];
    log.wait_for_line(mark, &["rejected", "API_KEY_INVALID", &format!("no key has the id {id}")])
        .await;
    let text = log.since(0);
    for key in [good, unknown, typo] {
        assert!(!text.contains(&key[23..40]));
    }
}
