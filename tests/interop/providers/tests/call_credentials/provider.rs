//! Tokens of npm's `oidc-provider`.

use std::{
    path::PathBuf,
    process::Output,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::Value;
use tonic::{Code, Request, Response, Status, Streaming, transport::Server};
use tonic_guard::{
    Authenticate, authenticated,
    client::{
        CallCredentials, CallError, CallErrorKind,
        oauth::{ClientCredentials, RefreshToken},
    },
    guard,
    http_client::HttpClient,
    introspection::{
        AudienceMatcher, Claims, ClientAuthentication, IntrospectionVerifier, IssuerMatcher,
    },
};
use tonic_guard_client_tests::client;
use tonic_guard_interop_providers::{OidcProvider, Settings};
use tonic_guard_suite_support::{
    Running,
    pb::{
        Note,
        kinds_server::{Kinds, KindsServer},
    },
    process::{program, run},
    within,
};

use crate::note;

fn http() -> HttpClient {
    HttpClient::builder().allow_http_on_loopback().build().unwrap()
}

fn seconds(access_token_life: u64) -> Settings {
    Settings { access_token_life: Duration::from_secs(access_token_life), ..Settings::default() }
}

/// A service that introspects its callers' tokens at the provider on each call.
#[derive(Authenticate)]
struct Introspecting {
    #[verifies("bearer")]
    tokens: IntrospectionVerifier<Claims>,
}

type Notes = tokio_stream::Empty<Result<Note, Status>>;

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Kinds for Introspecting {
    async fn unary(
        &self,
        request: Request<Note>,
        #[identity] claims: Claims,
    ) -> Result<Response<Note>, Status> {
        let text = claims.subject().or(claims.client_id()).unwrap_or_default().to_owned();
        Ok(Response::new(Note { text, ..request.into_inner() }))
    }

    type DownStream = Notes;

    async fn down(&self, _: Request<Note>) -> Result<Response<Notes>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn up(&self, _: Request<Streaming<Note>>) -> Result<Response<Note>, Status> {
        Err(Status::unimplemented(""))
    }

    type BothStream = Notes;

    async fn both(&self, _: Request<Streaming<Note>>) -> Result<Response<Notes>, Status> {
        Err(Status::unimplemented(""))
    }
}

async fn server(provider: &OidcProvider) -> Running {
    let tokens = IntrospectionVerifier::builder(
        provider.introspection_url(),
        ClientAuthentication::basic("gate", "gate-secret"),
        IssuerMatcher::is(provider.issuer()),
        // Opaque tokens of this provider have no audience.
        AudienceMatcher::unchecked(),
    );
    let tokens =
        tokens.http_client(http()).cache_ttl(Duration::ZERO).negative_cache_ttl(Duration::ZERO);
    let tokens = tokens.clock_skew(Duration::ZERO).build().unwrap();
    let service = guard(Introspecting { tokens }, KindsServer::from_arc);
    Running::start(Server::builder().add_service(service)).await
}

#[tokio::test]
async fn opaque_tokens_of_two_seconds_serve_calls_for_five_seconds() {
    let provider = OidcProvider::start(seconds(2)).await;
    let running = server(&provider).await;
    let source =
        ClientCredentials::new(http(), &provider.token_url(), "orders", "orders-secret").unwrap();
    let mut client = client(running.endpoint(), &CallCredentials::bearer(source));
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(5) {
        let answer = within("a call", client.unary(note("a"))).await.unwrap();
        assert_eq!(answer.into_inner().text, "orders");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn revoked_token_is_renewed() {
    let provider = OidcProvider::start(seconds(600)).await;
    let running = server(&provider).await;
    let given = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&given);
    let url = provider.token_url();
    let source = tonic_guard::client::token_fn(move || {
        let (url, keep) = (url.clone(), Arc::clone(&keep));
        async move {
            let answer = post(&url, &[("grant_type", "client_credentials")], "orders").await;
            let token = answer["access_token"].as_str().unwrap().to_owned();
            keep.lock().unwrap().push(token.clone());
            Ok(tonic_guard::client::Token::new(token))
        }
    });
    let mut client = client(running.endpoint(), &CallCredentials::bearer(source));
    within("a call", client.unary(note("a"))).await.unwrap();
    let first = given.lock().unwrap()[0].clone();
    post(&provider.revocation_url(), &[("token", &first)], "orders").await;
    within("a call", client.unary(note("a"))).await.unwrap();
    assert_eq!(given.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn rotated_refresh_token_keeps_ada_signed_in() {
    let provider = OidcProvider::start(seconds(1)).await;
    let running = server(&provider).await;
    let first = get(&provider.refresh_token_url()).await;
    let kept = Arc::new(Mutex::new(vec![first.clone()]));
    let keep = Arc::clone(&kept);
    let source = RefreshToken::new(http(), &provider.token_url(), "orders-cli", first)
        .unwrap()
        .client_secret("orders-cli-secret")
        .on_rotation(move |next| keep.lock().unwrap().push(next.to_owned()));
    let mut client = client(running.endpoint(), &CallCredentials::bearer(source));
    for _ in 0..3 {
        let answer = within("a call", client.unary(note("a"))).await.unwrap();
        assert_eq!(answer.into_inner().text, "ada");
        tokio::time::sleep(Duration::from_millis(1100)).await;
    }
    let kept = kept.lock().unwrap();
    assert!(kept.len() >= 4, "{}", kept.len());
}

#[tokio::test]
async fn wrong_secret_is_reported_to_the_caller() {
    let provider = OidcProvider::start(Settings::default()).await;
    let running = server(&provider).await;
    let source = ClientCredentials::new(http(), &provider.token_url(), "orders", "wrong").unwrap();
    let mut client = client(running.endpoint(), &CallCredentials::bearer(source));
    let status = within("a call", client.unary(note("a"))).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(CallError::of(&status).map(CallError::kind), Some(CallErrorKind::NoToken));
    // The message of the status is constant: a handler may pass it on to its own caller.
    assert_eq!(status.message(), "no token for the call");
    let error = format!("{:?}", CallError::of(&status));
    assert!(error.contains("invalid_client"), "{error}");
}

/// Posts a form and returns the response. It uses curl to be independent of the crate under test.
async fn post(url: &str, form: &[(&str, &str)], client: &str) -> Value {
    let mut curl = program("curl");
    curl.args(["--silent", "--show-error", "--fail", "--noproxy", "*"]);
    curl.args(["--user", &format!("{client}:{client}-secret")]);
    for (name, value) in form {
        curl.arg("--data-urlencode").arg(format!("{name}={value}"));
    }
    let text = run("curl", Duration::from_secs(20), curl.arg(url)).await.unwrap();
    serde_json::from_str(&text).unwrap_or_default()
}

async fn get(url: &str) -> String {
    let mut curl = program("curl");
    curl.args(["--silent", "--show-error", "--fail", "--noproxy", "*"]).arg(url);
    run("curl", Duration::from_secs(20), &mut curl).await.unwrap()
}

async fn example() -> PathBuf {
    let mut cargo = program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "-p", "tonic-guard-examples", "--bin", "client_oauth"])
        .args(["--message-format", "json-render-diagnostics"]);
    let built =
        run("building `client_oauth`", Duration::from_secs(1200), &mut cargo).await.unwrap();
    let messages = built.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut built = messages.filter(|message| message["target"]["name"] == "client_oauth");
    let path = built.find_map(|message| message["executable"].as_str().map(PathBuf::from));
    path.expect("cargo prints the executable")
}

async fn run_example(provider: &OidcProvider, secret: &str) -> Output {
    let mut command = program(example().await);
    command
        .args(["--issuer", provider.issuer(), "--client-id", "orders", "--calls", "16"])
        .env("ORDERS_CLIENT_SECRET", secret);
    within("the example", command.output()).await.unwrap()
}

#[tokio::test]
async fn example_keeps_calling_with_tokens_of_two_seconds() {
    let provider = OidcProvider::start(seconds(2)).await;
    let output = run_example(&provider, "orders-secret").await;
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!((lines.len(), lines[0]), (17, "without a token: Unauthenticated"));
    assert!(lines[1..].iter().all(|line| line.ends_with(" for orders")), "{printed}");
}

#[tokio::test]
async fn example_reports_a_wrong_secret() {
    let provider = OidcProvider::start(seconds(2)).await;
    let output = run_example(&provider, "wrong").await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("invalid_client"), "{output:?}");
}
