//! The example server.

use std::{net::SocketAddr, path::PathBuf, process::Stdio, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Child,
    sync::OnceCell,
};
use tonic_guard_suite_support::{
    process::{program, run},
    within_limit,
};

/// Long enough to build every dependency.
const BUILD_LIMIT: Duration = Duration::from_secs(1200);
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running server, stopped when dropped.
pub struct Serve {
    pub addr: SocketAddr,
    _child: Child,
}

/// Starts a separate server for each test, because calls change its orders.
pub async fn start() -> Serve {
    static BUILT: OnceCell<Result<PathBuf, String>> = OnceCell::const_new();
    let path = BUILT.get_or_init(build).await;
    let path = path.as_ref().unwrap_or_else(|why| panic!("{why}"));
    let mut command = program(path);
    command.args(["--addr", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("`serve` starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    within_limit("`serve` printing its address", START_LIMIT, stdout.read_line(&mut line))
        .await
        .expect("what it prints is text");
    let addr = line.trim_end().strip_prefix("listening on ").and_then(|addr| addr.parse().ok());
    let addr = addr.unwrap_or_else(|| panic!("expected `listening on ADDRESS`, came {line:?}"));
    Serve { addr, _child: child }
}

async fn build() -> Result<PathBuf, String> {
    let mut cargo = program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "-p", "tonic-guard-examples", "--bin", "serve"])
        .args(["--message-format", "json-render-diagnostics"]);
    let messages = run("building `serve`", BUILD_LIMIT, &mut cargo).await?;
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter(|message| message["target"]["name"] == "serve")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .ok_or_else(|| format!("building `serve`: expected an executable, came\n{messages}"))
}
