//! A program that is built without TLS sends no credentials. tonic alone would connect to
//! `https://` in plaintext.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy knows tests by their attribute, and not the functions beside them"
)]

use std::{
    io::{ErrorKind, Read},
    net::TcpListener,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Long enough to build every dependency.
const LIMIT: Duration = Duration::from_secs(1200);

#[test]
fn https_endpoint_without_a_tls_feature_receives_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let endpoint = format!("https://{}", listener.local_addr().unwrap());
    // Built alone, and so without the features that other members of the workspace enable.
    let mut child = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["run", "--quiet", "-p", "tonic-guard-no-tls", "--"])
        .arg(endpoint)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    let mut received = Vec::new();
    let status = loop {
        match listener.accept() {
            Ok((mut stream, _)) => {
                stream.set_nonblocking(false).unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
                let mut buffer = [0; 4096];
                let read = stream.read(&mut buffer).unwrap_or_default();
                received.extend_from_slice(&buffer[..read]);
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begin.elapsed() > LIMIT {
            let _ = child.kill();
            panic!("the program took longer than {LIMIT:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let mut output = String::new();
    child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    assert_eq!(String::from_utf8_lossy(&received), "");
    assert!(status.success() && output.starts_with("rejected: "), "{status}: {output}");
    assert!(output.contains("built without TLS"), "{output}");
}
