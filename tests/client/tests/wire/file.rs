//! Tokens in files.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use tonic::Code;
use tonic_guard::client::{CallCredentials, CallErrorKind, TokenFile, TokenSource};
use tonic_guard_client_tests::Guarded;
use tonic_guard_suite_support::within;

use crate::{causes, kind, note};

/// A directory that is removed after the test.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Dir(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("token")
    }

    /// Replaces the file atomically, as Kubernetes does.
    fn replace(&self, text: &str) {
        let new = self.0.join("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.file()).unwrap();
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn replaced_file_is_read_again() {
    let server = Guarded::start().await;
    let dir = Dir::new("replaced");
    let source = TokenFile::new(dir.file()).check_every(Duration::from_millis(50));
    let mut client = server.client(&CallCredentials::bearer(source));
    dir.replace(&format!("{}\n", server.issuer.issue()));
    client.unary(note("a")).await.unwrap();
    dir.replace(&server.issuer.issue());
    within("the new token", async {
        while server.attempts.tokens().last().unwrap() != "Bearer token-2" {
            client.unary(note("b")).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn rejection_reads_the_file_at_once() {
    let server = Guarded::start().await;
    let dir = Dir::new("refused");
    dir.replace(&server.issuer.issue());
    let source = TokenFile::new(dir.file()).check_every(Duration::from_secs(3600));
    let mut client = server.client(&CallCredentials::bearer(source));
    client.unary(note("a")).await.unwrap();
    server.issuer.revoke_all();
    dir.replace(&server.issuer.issue());
    client.unary(note("b")).await.unwrap();
    assert_eq!(server.attempts.tokens().last().unwrap(), "Bearer token-2");
}

#[tokio::test]
async fn rejected_token_still_in_the_file_is_not_retried() {
    let server = Guarded::start().await;
    let dir = Dir::new("kept");
    dir.replace("wrong");
    let mut client = server.client(&CallCredentials::bearer(TokenFile::new(dir.file())));
    let status = client.unary(note("a")).await.unwrap_err();
    let expected = (Code::Unauthenticated, Some(CallErrorKind::NoNewerToken));
    assert_eq!((status.code(), kind(&status)), expected);
    assert_eq!(server.attempts.count(), 1);
}

#[tokio::test]
async fn file_without_a_token_sends_nothing() {
    let server = Guarded::start().await;
    let dir = Dir::new("empty");
    let unauthenticated = |text: &'static [u8]| (Some(text), Code::Unauthenticated);
    for (text, code) in [
        (None, Code::Unavailable),
        unauthenticated(b""),
        unauthenticated(b"\n"),
        unauthenticated(b"two words"),
        unauthenticated(b"two\nlines"),
        unauthenticated(b"\xff\xfe"),
        unauthenticated(b"\xef\xbb\xbftoken-1"),
        unauthenticated(b"\"token-1\""),
        unauthenticated(b"Bearer token-1"),
        unauthenticated(&[b'a'; 65 * 1024]),
    ] {
        if let Some(text) = text {
            fs::write(dir.file(), text).unwrap();
        }
        let mut client = server.client(&CallCredentials::bearer(TokenFile::new(dir.file())));
        let status = client.unary(note("a")).await.unwrap_err();
        assert_eq!(
            (status.code(), kind(&status)),
            (code, Some(CallErrorKind::NoToken)),
            "{text:?}"
        );
        // The error names the file for the operator; the status doesn't.
        let file = dir.file().display().to_string();
        assert!(causes(&status).contains(&file), "{text:?}: {status:?}");
        assert!(!causes(&status).contains("token-1"), "{text:?}: {status:?}");
    }
    assert_eq!(server.attempts.count(), 0);
}

#[tokio::test]
async fn jwt_in_a_file_is_not_used_after_its_exp() {
    let server = Guarded::start().await;
    let dir = Dir::new("jwt");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
    let jwt = |exp: f64| {
        let claims = URL_SAFE_NO_PAD.encode(format!(r#"{{"exp":{exp}}}"#));
        format!("e30.{claims}.c2ln")
    };
    dir.replace(&jwt(now - 1.0));
    let mut client = server.client(&CallCredentials::bearer(TokenFile::new(dir.file())));
    let status = client.unary(note("a")).await.unwrap_err();
    assert_eq!(
        (status.code(), kind(&status)),
        (Code::Unauthenticated, Some(CallErrorKind::NoToken))
    );
    assert_eq!(server.attempts.count(), 0);

    // An unexpired one is sent, whatever the server's decision is.
    dir.replace(&jwt(now + 60.0));
    let mut client = server.client(&CallCredentials::bearer(TokenFile::new(dir.file())));
    client.unary(note("a")).await.unwrap_err();
    assert_eq!(server.attempts.tokens(), [format!("Bearer {}", jwt(now + 60.0))]);
}

/// Another file repeatedly replaces it while it is read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn file_replaced_while_it_is_read_returns_one_of_the_tokens() {
    let dir = Dir::new("torn");
    let tokens = ["a".repeat(20_000), "b".repeat(30_000)];
    dir.replace(&tokens[0]);
    let file = dir.file();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let writer = {
        let (stop, new, tokens) = (stop.clone(), dir.0.join("new"), tokens.clone());
        std::thread::spawn(move || {
            let mut writes = 0_usize;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                fs::write(&new, &tokens[writes % 2]).unwrap();
                fs::rename(&new, &file).unwrap();
                writes += 1;
            }
            writes
        })
    };
    let server = Guarded::start().await;
    let source = TokenFile::new(dir.file());
    for _ in 0..300 {
        let token = within("a read", source.token()).await;
        // The token isn't printable, so it is sent to compare it.
        let token = token.expect("a replaced file is always readable");
        let options = CallCredentials::bearer(token);
        let _ = server.client(&options).unary(note("a")).await;
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(writer.join().unwrap() > 100);
    let sent = server.attempts.tokens();
    assert!(sent.iter().all(|sent| tokens.iter().any(|token| *sent == format!("Bearer {token}"))));
}
