//! Runs the example programs as a user does, and checks what they print.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy allows these in tests, but not in their helper functions"
)]

use std::process::{Output, Stdio};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, ChildStdout, Command},
};
use tonic::{Code, transport::Channel};
use tonic_guard_examples::{
    Credentials, outcome,
    pb::{ListOrders, orders_client::OrdersClient},
};
use tonic_guard_suite_support::{process::program, within};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

async fn run(command: &mut Command) -> (Output, String) {
    let output = within("the program", command.output()).await.unwrap();
    let printed = String::from_utf8(output.stdout.clone()).unwrap();
    (output, printed)
}

/// Asserts that a line has all of these words, in this order.
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
async fn quickstart_shows_the_outcomes_and_the_policy_table() {
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
async fn adopt_shows_that_a_missing_interceptor_opens_no_method() {
    let (output, printed) = run(&mut program(env!("CARGO_BIN_EXE_adopt"))).await;
    assert!(output.status.success(), "{output:?}");
    let (outside, rest) = printed.split_once("The interceptor is missing").unwrap();
    let (missing, inside) = rest.split_once("The interceptor is inside").unwrap();
    assert_line(outside, &["List", "none", "Unauthenticated without a reason"]);
    assert_line(outside, &["List", "ada's token", "answered: for ada"]);
    assert_line(outside, &["Cancel", "eve's token", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"]);
    assert_line(outside, &["Cancel", "ada's token", "answered: for ada"]);
    assert_line(missing, &["List", "ada's token", "Unauthenticated CREDENTIALS_MISSING"]);
    assert_line(missing, &["Cancel", "an expired token", "ACCESS_TOKEN_EXPIRED"]);
    assert_line(missing, &["Cancel", "ada's token", "answered: for ada"]);
    assert_line(inside, &["List", "ada's token", "Unauthenticated CREDENTIALS_MISSING"]);
}

#[tokio::test]
async fn jwt_shows_which_tokens_are_accepted() {
    let (output, printed) = run(&mut program(env!("CARGO_BIN_EXE_jwt"))).await;
    assert!(output.status.success(), "{output:?}");
    for line in [
        ["a valid token", "answered: order 7 of ada"],
        ["no token", "Unauthenticated CREDENTIALS_MISSING"],
        ["an expired token", "Unauthenticated ACCESS_TOKEN_EXPIRED"],
        ["for another service", "Unauthenticated JWT_TOKEN_INVALID"],
        ["of another key", "Unauthenticated JWT_TOKEN_INVALID"],
        ["an ID token", "Unauthenticated JWT_TOKEN_INVALID"],
        ["a partial token", "Unauthenticated CREDENTIALS_MALFORMED"],
        ["without the scope", "PermissionDenied ACCESS_TOKEN_SCOPE_INSUFFICIENT"],
        ["of another tenant", "PermissionDenied PERMISSION_DENIED"],
    ] {
        assert_line(&printed, &line);
    }
}

#[tokio::test]
async fn oidc_follows_a_key_rotation() {
    let (output, printed) = run(&mut program(env!("CARGO_BIN_EXE_oidc"))).await;
    assert!(output.status.success(), "{output:?}");
    for line in [
        ["a token of the first key", "answered: 1 order of ada"],
        ["a token of an unpublished key", "Unauthenticated JWT_TOKEN_INVALID"],
        ["a token of the second key", "answered: 1 order of ada"],
        ["a token of the first key, once removed", "Unauthenticated JWT_TOKEN_INVALID"],
        ["the provider is down: a known key", "answered: 1 order of ada"],
        ["the provider is down: an unknown key", "Unavailable AUTHENTICATOR_UNAVAILABLE"],
    ] {
        assert_line(&printed, &line);
    }
}

#[tokio::test]
async fn oidc_reports_an_insecure_issuer() {
    let mut command = program(env!("CARGO_BIN_EXE_oidc"));
    command.env("OIDC_ISSUER", "http://id.example").env("OIDC_AUDIENCE", "orders");
    let (output, _) = run(command.env("OIDC_TOKEN", "e30.e30.AAAA")).await;
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("http://id.example/ isn't https"), "{error}");
}

#[tokio::test]
async fn api_key_shows_replaced_and_revoked_keys() {
    let (output, printed) = run(&mut program(env!("CARGO_BIN_EXE_api_key"))).await;
    assert!(output.status.success(), "{output:?}");
    let (first, rest) = printed.split_once("acme gets a second key").unwrap();
    let (second, revoked) = rest.split_once("are revoked").unwrap();
    assert_line(first, &["acme's key", "hello acme"]);
    assert_line(first, &["a mistyped key", "Unauthenticated CREDENTIALS_MALFORMED"]);
    assert_line(first, &["an unknown key", "Unauthenticated API_KEY_INVALID"]);
    assert_line(first, &["globex's key", "PermissionDenied ACCESS_TOKEN_SCOPE_INSUFFICIENT"]);
    assert_line(second, &["acme's new key", "hello acme"]);
    assert_line(second, &["acme's key", "hello acme"]);
    assert_line(revoked, &["acme's key", "Unauthenticated API_KEY_INVALID"]);
    assert_line(revoked, &["acme's new key", "hello acme"]);
}

#[tokio::test]
async fn api_key_generates_a_key_and_its_record() {
    let path = env!("CARGO_BIN_EXE_api_key");
    let (output, printed) = run(program(path).args(["generate", "acme_live"])).await;
    assert!(output.status.success(), "{output:?}");
    let key = printed.lines().find_map(|line| line.trim().strip_prefix("acme_live_")).unwrap();
    let id = key.split_once('_').unwrap().0;
    assert_line(&printed, &[&format!(r#"{{"id": "{id}", "hash": "sha256:"#)]);
    let (output, printed) = run(program(path).args(["generate", "Acme"])).await;
    assert!(!output.status.success() && printed.is_empty(), "{output:?}");
}

#[tokio::test]
async fn basic_shows_which_passwords_are_accepted() {
    let (output, printed) = run(&mut program(env!("CARGO_BIN_EXE_basic"))).await;
    assert!(output.status.success(), "{output:?}");
    assert_line(&printed, &["$argon2id$v=19$m=19456,t=2,p=1$"]);
    assert_line(&printed, &["ada", "open sesame", "hello Ada"]);
    assert_line(&printed, &["ada", "open barley", "Unauthenticated CREDENTIALS_INVALID"]);
    assert_line(&printed, &["mallory", "open sesame", "Unauthenticated CREDENTIALS_INVALID"]);
}

#[tokio::test]
async fn mtls_shows_which_certificates_are_accepted() {
    let (output, printed) = run(&mut program(env!("CARGO_BIN_EXE_mtls"))).await;
    assert!(output.status.success(), "{output:?}");
    for line in [
        ["Ping", "none", "answered"],
        ["List", "none", "Unauthenticated CREDENTIALS_MISSING"],
        ["List", "of shipping", "answered: for /shipping"],
        ["Cancel", "of shipping", "PermissionDenied PERMISSION_DENIED"],
        ["Cancel", "of billing", "answered: order 1 is cancelled"],
        ["List", "of another domain", "Unauthenticated CREDENTIALS_INVALID"],
        ["List", "of two workloads", "Unauthenticated CREDENTIALS_INVALID"],
        ["Ping", "of another CA", "no connection"],
        ["demo.orders.v1.Orders/Cancel", "client-certificate", "Self::is_billing"],
    ] {
        assert_line(&printed, &line);
    }
}

#[tokio::test]
async fn client_refresh_replaces_expired_tokens_without_a_failed_call() {
    let (output, printed) = run(&mut program(env!("CARGO_BIN_EXE_client_refresh"))).await;
    assert!(output.status.success(), "{output:?}");
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines.len(), 2, "{printed}");
    for (line, source) in lines.iter().zip(["with expires_in", "without expires_in"]) {
        let counts = line.split(": ").nth(1).unwrap_or_default();
        assert!(line.contains(source) && counts.starts_with("30 calls succeeded"), "{printed}");
        let numbers: Vec<u32> = counts.split(' ').filter_map(|word| word.parse().ok()).collect();
        // The calls take three times the lifetime of a token.
        assert!(numbers.get(1).is_some_and(|tokens| *tokens >= 3), "{printed}");
    }
    // Without a known lifetime, tokens are used until they are rejected.
    assert!(
        !lines
            .iter()
            .any(|line| line.contains("without expires_in")
                && line.contains(" 0 retried rejections"))
    );
}

#[tokio::test]
async fn client_oauth_prints_its_usage() {
    for args in [&[][..], &["--issuer", "https://id.example"], &["--port", "1"]] {
        let mut command = program(env!("CARGO_BIN_EXE_client_oauth"));
        let (output, printed) = run(command.args(args).env_remove("ORDERS_CLIENT_SECRET")).await;
        assert_eq!((output.status.code(), printed.as_str()), (Some(2), ""), "{args:?}: {output:?}");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains("usage: client_oauth --issuer URL"), "{args:?}: {error}");
    }
}

#[tokio::test]
async fn serve_prints_its_usage() {
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
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains("usage: serve [--addr 127.0.0.1:PORT]"), "{args:?}: {error}");
    }
}

/// The program `serve` on a free port.
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
async fn serve_admits_only_callers_with_valid_credentials() {
    let serve = Serve::start().await;
    assert_eq!(serve.list(Credentials::NONE).await, "Unauthenticated CREDENTIALS_MISSING");
    assert_eq!(serve.list(Credentials::UNKNOWN).await, "Unauthenticated CREDENTIALS_INVALID");
    assert_eq!(serve.list(Credentials::EXPIRED).await, "Unauthenticated ACCESS_TOKEN_EXPIRED");
    assert_eq!(serve.list(Credentials::ADA).await, "2 orders");
}

#[tokio::test]
async fn serve_reports_its_health_without_credentials() {
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

/// Sends an HTTP/1.1 request to `serve`, and returns the response as text.
async fn over_http1(serve: &Serve, request: &str) -> String {
    let request = format!("{request}host: localhost\r\nconnection: close\r\n\r\n");
    let mut stream = TcpStream::connect(&serve.addr).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within("the answer", stream.read_to_string(&mut answer)).await.unwrap();
    answer.to_lowercase()
}

#[tokio::test]
async fn serve_lets_a_page_of_another_origin_read_a_rejection() {
    let serve = Serve::start().await;
    const PAGE: &str = "origin: https://shop.example.com\r\n";
    // The browser's preflight request, without credentials.
    let preflight = format!(
        "OPTIONS /demo.orders.v1.Orders/List HTTP/1.1\r\n{PAGE}\
         access-control-request-method: POST\r\n\
         access-control-request-headers: authorization,content-type,x-grpc-web\r\n"
    );
    let answer = over_http1(&serve, &preflight).await;
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    assert_line(&answer, &["access-control-allow-origin: *"]);
    assert_line(
        &answer,
        &["access-control-allow-headers: authorization,content-type", "x-grpc-web"],
    );
    // The grpc-web call, with an empty message.
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
    // Once a call has been answered, the signal handler is installed.
    assert_eq!(serve.list(Credentials::ADA).await, "2 orders");
    let pid = serve.child.id().expect("the program runs");
    let sent = Command::new("sh").arg("-c").arg(format!("kill -INT {pid}")).status();
    assert!(within("kill", sent).await.unwrap().success());
    let status = within("stopping", serve.child.wait()).await.unwrap();
    assert_eq!(status.code(), Some(0));
    let mut rest = String::new();
    within("the rest of the output", serve.stdout.read_to_string(&mut rest)).await.unwrap();
    assert_eq!(rest, "", "the program prints only `listening on`");
}
