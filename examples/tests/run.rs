//! Runs the example programs as a user does. What they print is part of what they teach.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy knows tests by their attribute, and not the functions beside them"
)]

use std::{
    process::{Output, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, ChildStdout, Command},
    time::timeout,
};
use tonic::{Code, transport::Channel};
use tonic_guard_examples::{
    Credentials, outcome,
    pb::{ListOrders, orders_client::OrdersClient},
};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

/// Far more than any step takes; what takes longer hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// What `future` gives, or a failure that says what took too long.
async fn within<F: Future>(what: &str, future: F) -> F::Output {
    match timeout(LIMIT, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what} took longer than {LIMIT:?}"),
    }
}

fn program(path: &str) -> Command {
    let mut command = Command::new(path);
    command.kill_on_drop(true).stdin(Stdio::null());
    command
}

async fn run(command: &mut Command) -> (Output, String) {
    let output = within("the program", command.output()).await.unwrap();
    let printed = String::from_utf8(output.stdout.clone()).unwrap();
    (output, printed)
}

/// The lines that hold all of these words, in this order.
#[track_caller]
fn assert_line(printed: &str, words: &[&str]) {
    let holds = |mut line: &str| {
        words.iter().all(|word| {
            let found = line.split_once(word);
            line = found.map_or("", |(_, rest)| rest);
            found.is_some()
        })
    };
    assert!(printed.lines().any(holds), "no line {words:?} in:\n{printed}");
}

#[tokio::test]
async fn quickstart_shows_who_gets_in_and_the_table() {
    let (output, printed) = run(&mut program(env!("CARGO_BIN_EXE_quickstart"))).await;
    assert!(output.status.success(), "{output:?}");
    for line in [
        ["Ping", "none", "answered"],
        ["List", "none", "Unauthenticated CREDENTIALS_MISSING"],
        ["List", "an unknown token", "Unauthenticated CREDENTIALS_INVALID"],
        ["List", "an expired token", "Unauthenticated ACCESS_TOKEN_EXPIRED"],
        ["List", "ada's token", "answered: 2 orders"],
        ["Cancel(3)", "eve's token", "PermissionDenied ACCESS_TOKEN_SCOPE_INSUFFICIENT"],
        ["Cancel(3)", "ada's token", "PermissionDenied PERMISSION_DENIED"],
        ["Watch", "eve's token", "answered: 3 orders"],
        ["Ingest", "a token and a key", "Unauthenticated OVERLOADED_CREDENTIALS"],
        ["Ingest", "acme's key", "answered: 1 order from partner acme"],
        ["METHOD", "ACCESS", "SCHEMES"],
        ["demo.orders.v1.Orders/Cancel", "authenticated", "Self::owns_order"],
        ["demo.orders.v1.Orders/Ingest", "authenticated", "one_of(api-key, bearer)"],
        ["demo.orders.v1.Orders/Ping", "OPEN", "load balancers"],
    ] {
        assert_line(&printed, &line);
    }
}

#[tokio::test]
async fn adopt_shows_that_a_forgotten_interceptor_opens_nothing() {
    let (output, printed) = run(&mut program(env!("CARGO_BIN_EXE_adopt"))).await;
    assert!(output.status.success(), "{output:?}");
    let (outside, rest) = printed.split_once("The interceptor forgotten").unwrap();
    let (forgotten, inside) = rest.split_once("The interceptor inside").unwrap();
    assert_line(outside, &["List", "none", "Unauthenticated without a reason"]);
    assert_line(outside, &["List", "ada's token", "answered: for ada"]);
    assert_line(outside, &["Cancel", "eve's token", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"]);
    assert_line(outside, &["Cancel", "ada's token", "answered: for ada"]);
    assert_line(forgotten, &["List", "ada's token", "Unauthenticated CREDENTIALS_MISSING"]);
    assert_line(forgotten, &["Cancel", "an expired token", "ACCESS_TOKEN_EXPIRED"]);
    assert_line(forgotten, &["Cancel", "ada's token", "answered: for ada"]);
    assert_line(inside, &["List", "ada's token", "Unauthenticated CREDENTIALS_MISSING"]);
}

#[tokio::test]
async fn serve_explains_its_usage() {
    for args in [
        &["--addr"][..],
        &["--addr", "here"],
        &["--addr", "0.0.0.0:0"],
        &["--port", "1"],
        &["--addr", "127.0.0.1:0", "more"],
    ] {
        let (output, printed) = run(program(env!("CARGO_BIN_EXE_serve")).args(args)).await;
        assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
        assert_eq!(printed, "", "{args:?}");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains("usage: serve [--addr 127.0.0.1:PORT]"), "{args:?}: {told}");
    }
}

/// `serve` on a port that the system picked.
struct Serve {
    child: Child,
    stdout: BufReader<ChildStdout>,
    addr: String,
    channel: Channel,
}

impl Serve {
    async fn start() -> Serve {
        let mut command = program(env!("CARGO_BIN_EXE_serve"));
        command.args(["--addr", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        within("`listening on`", stdout.read_line(&mut line)).await.unwrap();
        let addr = line.trim_end().strip_prefix("listening on ");
        let addr = addr.unwrap_or_else(|| panic!("printed {line:?}")).to_owned();
        let endpoint = Channel::from_shared(format!("http://{addr}")).unwrap();
        let channel = within("connecting", endpoint.connect()).await.unwrap();
        Serve { child, stdout, addr, channel }
    }

    async fn list(&self, credentials: Credentials) -> String {
        let mut client = OrdersClient::new(self.channel.clone());
        let request = credentials.request(ListOrders {}).unwrap();
        let answer = within("List", client.list(request)).await;
        outcome(answer.map(|answer| format!("{} orders", answer.into_inner().orders.len())))
    }
}

#[tokio::test]
async fn serve_lets_in_only_callers_with_good_credentials() {
    let serve = Serve::start().await;
    assert_eq!(serve.list(Credentials::NONE).await, "Unauthenticated CREDENTIALS_MISSING");
    assert_eq!(serve.list(Credentials::UNKNOWN).await, "Unauthenticated CREDENTIALS_INVALID");
    assert_eq!(serve.list(Credentials::EXPIRED).await, "Unauthenticated ACCESS_TOKEN_EXPIRED");
    assert_eq!(serve.list(Credentials::ADA).await, "2 orders");
}

#[tokio::test]
async fn serve_tells_its_health_without_credentials() {
    let serve = Serve::start().await;
    let mut health = HealthClient::new(serve.channel.clone());
    for (service, expected) in [
        ("", Ok(ServingStatus::Serving)),
        ("demo.orders.v1.Orders", Ok(ServingStatus::Serving)),
        ("demo.orders.v1.Others", Err(Code::NotFound)),
    ] {
        let request = HealthCheckRequest { service: service.into() };
        let answer = within("Check", health.check(request)).await;
        let status = answer.map(|answer| answer.into_inner().status());
        assert_eq!(status.map_err(|status| status.code()), expected, "{service:?}");
    }
}

#[tokio::test]
async fn serve_lists_its_services_without_credentials() {
    let serve = Serve::start().await;
    let mut reflection = ServerReflectionClient::new(serve.channel.clone());
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let listing = async {
        let answers = reflection.server_reflection_info(tokio_stream::once(request)).await?;
        answers.into_inner().message().await
    };
    let answer = within("reflection", listing).await.unwrap().expect("an answer");
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}");
    };
    let mut names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    names.sort();
    assert_eq!(
        names,
        ["demo.orders.v1.Orders", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"]
    );
}

/// What `serve` answers to a request of HTTP/1.1, as text.
async fn over_http1(serve: &Serve, request: &str) -> String {
    let request = format!("{request}host: localhost\r\nconnection: close\r\n\r\n");
    let mut stream = TcpStream::connect(&serve.addr).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within("the answer", stream.read_to_string(&mut answer)).await.unwrap();
    answer.to_lowercase()
}

#[tokio::test]
async fn serve_tells_a_page_of_another_origin_why_its_call_is_refused() {
    let serve = Serve::start().await;
    const PAGE: &str = "origin: https://shop.example.com\r\n";
    // The browser asks first, without credentials.
    let asked = format!(
        "OPTIONS /demo.orders.v1.Orders/List HTTP/1.1\r\n{PAGE}\
         access-control-request-method: POST\r\n\
         access-control-request-headers: authorization,content-type,x-grpc-web\r\n"
    );
    let answer = over_http1(&serve, &asked).await;
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    assert_line(&answer, &["access-control-allow-origin: *"]);
    assert_line(
        &answer,
        &["access-control-allow-headers: authorization,content-type", "x-grpc-web"],
    );
    // Then it calls, in grpc-web: an empty message.
    let call = |authorization: &str| {
        format!(
            "POST /demo.orders.v1.Orders/List HTTP/1.1\r\n{PAGE}{authorization}\
             content-type: application/grpc-web+proto\r\ncontent-length: 0\r\n"
        )
    };
    for authorization in ["", "authorization: Bearer let-me-in\r\n"] {
        let answer = over_http1(&serve, &call(authorization)).await;
        assert!(answer.starts_with("http/1.1 200"), "{answer}");
        assert_line(&answer, &["grpc-status: 16"]);
        assert_line(&answer, &["www-authenticate: bearer"]);
        assert_line(&answer, &["access-control-allow-origin: *"]);
        for exposed in
            ["grpc-status", "grpc-message", "grpc-status-details-bin", "www-authenticate"]
        {
            assert_line(&answer, &["access-control-expose-headers:", exposed]);
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn serve_stops_on_ctrl_c() {
    let mut serve = Serve::start().await;
    // Once a call is answered, the program listens for the signal.
    assert_eq!(serve.list(Credentials::ADA).await, "2 orders");
    let pid = serve.child.id().expect("it runs");
    let sent = Command::new("sh").arg("-c").arg(format!("kill -INT {pid}")).status();
    assert!(within("kill", sent).await.unwrap().success());
    let status = within("stopping", serve.child.wait()).await.unwrap();
    assert_eq!(status.code(), Some(0));
    let mut rest = String::new();
    within("the rest of the output", serve.stdout.read_to_string(&mut rest)).await.unwrap();
    assert_eq!(rest, "", "`listening on` is all that it prints");
}
