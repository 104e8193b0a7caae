//! Child processes that end with the test that started them.

use std::{ffi::OsStr, process::Stdio, time::Duration};

use tokio::{process::Command, time::timeout};

/// A program that is killed when its handle is dropped, with no standard input.
pub fn program(path: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(path);
    command.kill_on_drop(true).stdin(Stdio::null());
    command
}

/// Runs a program to its end and returns what it printed.
///
/// # Errors
/// Why it failed, with what it printed about that.
pub async fn run(what: &str, limit: Duration, command: &mut Command) -> Result<String, String> {
    let output = match timeout(limit, command.output()).await {
        Err(_) => return Err(format!("{what}: took longer than {limit:?}")),
        Ok(Err(error)) => return Err(format!("{what}: can't start {command:?}: {error}")),
        Ok(Ok(output)) => output,
    };
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "{what}: expected success, came {} from {command:?}\n{stdout}{stderr}",
        output.status
    ))
}
