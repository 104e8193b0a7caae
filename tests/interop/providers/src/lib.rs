//! Foreign programs that a test starts and that end with it: an OpenID provider, gRPC servers and
//! clients in Node and Python.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    sync::OnceCell,
};
use tonic_guard_interop_clients::install;
use tonic_guard_suite_support::{process::program, within_limit};

mod oidc_provider;

pub use oidc_provider::{OidcProvider, Settings};

const START_LIMIT: Duration = Duration::from_secs(60);

/// The Node scripts of this crate.
const SCRIPTS: [&str; 3] = ["provider.mjs", "rejecting_server.mjs", "refreshing_client.mjs"];

/// A file of this crate.
pub fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The directory of installed packages, below the target directory of this build.
fn below_target(name: &str) -> PathBuf {
    let exe = std::env::current_exe().unwrap_or_default();
    // target/PROFILE/deps/TEST
    let target = exe.ancestors().nth(3).map(Path::to_path_buf).unwrap_or_default();
    target.join("tmp/providers").join(name)
}

/// The Node script `name`, its packages installed.
///
/// # Panics
/// When they can't be.
#[allow(clippy::panic, reason = "a test fixture")]
pub async fn node(name: &str) -> Command {
    static INSTALLED: OnceCell<Result<PathBuf, String>> = OnceCell::const_new();
    let installed = INSTALLED.get_or_init(async || {
        let dir = below_target("node");
        install::node(&here("node"), &SCRIPTS, &dir).await.map(|()| dir)
    });
    match installed.await {
        Ok(dir) => {
            let mut command = program("node");
            command.arg(dir.join(name));
            without_proxies(command)
        }
        Err(why) => panic!("the Node packages can't be installed: {why}"),
    }
}

/// The Python script `name`, its packages installed.
///
/// # Panics
/// When they can't be.
#[allow(clippy::panic, reason = "a test fixture")]
pub async fn python(name: &str) -> Command {
    static INSTALLED: OnceCell<Result<PathBuf, String>> = OnceCell::const_new();
    let installed = INSTALLED.get_or_init(async || {
        let dir = below_target("python");
        let requirements = here("../clients/python/requirements.txt");
        install::python(&requirements, &dir).await.map(|()| dir)
    });
    match installed.await {
        Ok(dir) => {
            let mut command = program("python3");
            command.arg(here("python").join(name)).env("PYTHONPATH", dir);
            without_proxies(command)
        }
        Err(why) => panic!("the Python packages can't be installed: {why}"),
    }
}

/// Other gRPC implementations use a proxy of the environment, even on loopback.
fn without_proxies(mut command: Command) -> Command {
    for name in ["grpc_proxy", "http_proxy", "https_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    command
}

/// Starts a program that reads `task` and prints a line of JSON when it is ready. It is killed when
/// the child is dropped.
///
/// # Panics
/// When it isn't ready in time.
#[allow(clippy::panic, clippy::expect_used, reason = "a test fixture")]
pub async fn ready(mut command: Command, task: &Value) -> (Child, Value) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("the stream is piped");
    stdin.write_all(task.to_string().as_bytes()).await.expect("it reads its task");
    drop(stdin);
    let mut lines = BufReader::new(child.stdout.take().expect("the stream is piped"));
    let mut line = String::new();
    within_limit(&format!("{command:?}"), START_LIMIT, lines.read_line(&mut line))
        .await
        .expect("the output is UTF-8");
    let said = serde_json::from_str(&line);
    let said = said.unwrap_or_else(|_| panic!("{command:?}: expected JSON, came {line:?}"));
    (child, said)
}
