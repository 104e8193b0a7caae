//! Runs a client's script.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::{
    calls::{Call, Client},
    install::{clients, here},
};
use tonic_guard_suite_support::{process::program, within_limit};

/// The limit for all calls together. The scripts give each call a deadline of 20 seconds.
const LIMIT: Duration = Duration::from_secs(120);

/// The output of a client.
pub struct Seen {
    /// One outcome per call, in order.
    pub lines: Vec<Value>,
    /// The script's exit status and its standard error.
    pub how_it_ended: String,
}

/// Makes the calls, one after the other.
pub async fn make(client: Client, address: SocketAddr, calls: &[Call]) -> Seen {
    let installed = clients().await;
    let mut command = match client {
        Client::Grpcio => program("python3"),
        _ => program("node"),
    };
    let speaks = match client {
        Client::WebOverHttp2 => "grpc-web over HTTP/2",
        Client::WebOverHttp1 => "grpc-web over HTTP/1.1",
        _ => "gRPC",
    };
    match client {
        Client::GrpcJs => command.arg(installed.node.join("grpc_js.mjs")),
        Client::Grpcio => {
            command.arg(here("python/grpcio_client.py")).env("PYTHONPATH", &installed.python)
        }
        _ => command.arg(installed.node.join("connect.mjs")),
    };
    // gRPC clients would use a proxy of the environment, even on loopback.
    for name in ["grpc_proxy", "http_proxy", "https_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    let task = json!({
        "address": address.to_string(),
        "speaks": speaks,
        "include": [here("../../../examples/proto"), here("proto")],
        "descriptors": installed.descriptors,
        "calls": calls.iter().map(Call::task).collect::<Vec<_>>(),
    });
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("it is piped");
    let output = within_limit(&format!("{client:?}"), LIMIT, async {
        // A script that ends before it has read this reports the reason itself.
        let _ = stdin.write_all(task.to_string().as_bytes()).await;
        drop(stdin);
        child.wait_with_output().await.expect("its output can be read")
    })
    .await;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| line.into());
    let stderr = String::from_utf8_lossy(&output.stderr);
    Seen {
        lines: stdout.lines().map(line).collect(),
        how_it_ended: format!("the script: {}\n{stderr}", output.status),
    }
}
