//! The rejections that are retried, and those that never are.

use std::time::{Duration, Instant};

use http::{HeaderValue, Response};
use tokio_stream::StreamExt;
use tonic::{
    Code, Request, Response as GrpcResponse, Status, Streaming, body::Body, transport::Server,
};
use tonic_guard::client::{CallCredentials, CallErrorKind, CallOptions};
use tonic_guard_client_tests::{
    Answer, Attempts, Client, Guarded, Scripted, Source, client, rejection, success,
};
use tonic_guard_suite_support::{
    KINDS, Running,
    pb::{
        Note,
        kinds_server::{Kinds, KindsServer},
    },
    reason, within,
};
use tonic_types::{ErrorDetails, StatusExt};

use crate::{kind, note, with_options};

/// A client whose source returns a new token each time, and a server that follows a script.
async fn scripted(
    answers: impl IntoIterator<Item = Response<Body>>,
    last: fn() -> Response<Body>,
    settings: fn(CallCredentials) -> CallCredentials,
) -> (Client, Attempts, Source, Running) {
    let (running, attempts) = Scripted::start(answers, last).await;
    let source = Source::new(&std::sync::Arc::default());
    let credentials = settings(CallCredentials::bearer(source.clone()));
    (client(running.endpoint(), &credentials), attempts, source, running)
}

fn unchanged(credentials: CallCredentials) -> CallCredentials {
    credentials
}

/// UNAUTHENTICATED with an `ErrorInfo` of this reason and metadata.
fn rejection_with(reason: &str, metadata: &[(&str, &str)]) -> Response<Body> {
    let pairs = metadata.iter().map(|(key, value)| (key.to_string(), value.to_string()));
    let details = ErrorDetails::with_error_info(
        reason,
        "somewhere",
        pairs.collect::<std::collections::HashMap<_, _>>(),
    );
    Status::with_error_details(Code::Unauthenticated, "no", details).into_http()
}

fn with_header(mut response: Response<Body>, name: &'static str, value: &str) -> Response<Body> {
    response.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
    response
}

#[tokio::test]
async fn rejected_token_is_renewed_and_the_call_succeeds() {
    let server = Guarded::start().await;
    let source = server.source();
    let mut client = server.client(&CallCredentials::bearer(source.clone()));
    client.unary(note("before")).await.unwrap();
    server.issuer.revoke_all();
    assert_eq!(client.unary(note("after")).await.unwrap().into_inner().text, "after");
    assert_eq!(server.attempts.tokens(), ["Bearer token-1", "Bearer token-1", "Bearer token-2"]);
    assert_eq!(server.attempts.header("grpc-previous-rpc-attempts"), ["1"]);
    assert_eq!(source.fetches(), 2);
}

#[tokio::test]
async fn server_that_always_rejects_gets_two_attempts() {
    let (mut client, attempts, source, _running) = scripted([], rejection, unchanged).await;
    let status = within("the call", client.unary(note("hi"))).await.unwrap_err();
    assert_eq!(kind(&status), Some(CallErrorKind::RejectedAgain));
    assert_eq!((status.code(), status.message()), (Code::Unauthenticated, "no"));
    assert_eq!(attempts.tokens(), ["Bearer token-1", "Bearer token-2"]);
    assert_eq!(source.fetches(), 2);
}

#[tokio::test]
async fn source_with_the_same_token_makes_one_attempt() {
    let (mut client, attempts, source, _running) = scripted([], rejection, unchanged).await;
    source.always(Some(Answer::Token("same")));
    let status = within("the call", client.unary(note("hi"))).await.unwrap_err();
    assert_eq!(kind(&status), Some(CallErrorKind::NoNewerToken));
    assert_eq!((status.code(), status.message()), (Code::Unauthenticated, "no"));
    assert_eq!((attempts.count(), source.fetches()), (1, 2));
}

#[tokio::test]
async fn failed_renewal_is_reported_with_its_cause() {
    let (mut client, attempts, source, _running) =
        scripted([success()], rejection, unchanged).await;
    client.unary(note("hi")).await.unwrap();
    source.then(Answer::Down);
    let status = client.unary(note("hi")).await.unwrap_err();
    assert_eq!(kind(&status), Some(CallErrorKind::RefreshFailed));
    assert_eq!(status.code(), Code::Unauthenticated);
    let error = tonic_guard::client::CallError::of(&status).unwrap();
    assert!(error.token_error().unwrap().is_unreachable());
    assert!(format!("{error:?}").contains("the issuer is down"), "{error}");
    assert_eq!(attempts.count(), 2);
}

#[tokio::test]
async fn rejection_of_the_server_reaches_the_caller() {
    let server = Guarded::start().await;
    let source = server.source();
    source.always(Some(Answer::Token("wrong")));
    let mut client = server.client(&CallCredentials::bearer(source));
    let status = client.unary(note("hi")).await.unwrap_err();
    assert_eq!(kind(&status), Some(CallErrorKind::NoNewerToken));
    assert_eq!(reason(&status), "CREDENTIALS_INVALID");
    let challenges = tonic_guard_suite_support::challenges(&status);
    assert_eq!(challenges, [r#"Bearer error="invalid_token""#]);
}

/// Each is the response to a first attempt, which must be the only one.
#[tokio::test]
async fn other_failures_are_not_retried() {
    let other_code = |code| Status::new(code, "no").into_http();
    let this = [("service", KINDS), ("method", "Unary")];
    let cases: Vec<(&str, Response<Body>)> = vec![
        ("permission denied", other_code(Code::PermissionDenied)),
        ("unavailable", other_code(Code::Unavailable)),
        ("internal", other_code(Code::Internal)),
        (
            "another service",
            rejection_with("X", &[("service", "other.v1.Kinds"), ("method", "Unary")]),
        ),
        ("another method", rejection_with("X", &[("service", KINDS), ("method", "Down")])),
        ("another service alone", rejection_with("X", &[("service", "other.v1.Kinds")])),
        ("another method alone", rejection_with("X", &[("method", "unary")])),
        ("a method of Google's", rejection_with("X", &[("method", "google.v1.Storage.Unary")])),
        ("missing", rejection_with("CREDENTIALS_MISSING", &this)),
        ("overloaded", rejection_with("OVERLOADED_CREDENTIALS", &this)),
        ("malformed", rejection_with("CREDENTIALS_MALFORMED", &this)),
        ("unsupported", rejection_with("CREDENTIAL_TYPE_UNSUPPORTED", &this)),
        (
            "details that aren't a status",
            with_header(rejection(), "grpc-status-details-bin", "AAAA"),
        ),
        ("two details", {
            let twice = with_header(rejection(), "grpc-status-details-bin", "");
            with_header(twice, "grpc-status-details-bin", "")
        }),
        ("two statuses", with_header(rejection(), "grpc-status", "16")),
        ("never again", with_header(rejection(), "grpc-retry-pushback-ms", "-1")),
        (
            "pushback that isn't a number",
            with_header(rejection(), "grpc-retry-pushback-ms", "soon"),
        ),
        ("pushback with a zero", with_header(rejection(), "grpc-retry-pushback-ms", "010")),
        ("pushback too large", with_header(rejection(), "grpc-retry-pushback-ms", "2147483648")),
        ("a pause of weeks", with_header(rejection(), "grpc-retry-pushback-ms", "2147483647")),
        ("two pushbacks", {
            let twice = with_header(rejection(), "grpc-retry-pushback-ms", "0");
            with_header(twice, "grpc-retry-pushback-ms", "0")
        }),
        ("a body after the rejection", rejection().map(|_| success().into_body())),
        ("rejected in the trailers", {
            let trailers = http::HeaderMap::from_iter([(
                http::HeaderName::from_static("grpc-status"),
                HeaderValue::from_static("16"),
            )]);
            let frame = Ok::<_, Status>(http_body::Frame::<bytes::Bytes>::trailers(trailers));
            let body = http_body_util::StreamBody::new(tokio_stream::iter([frame]));
            success().map(|_| Body::new(body))
        }),
        ("a bare 401", {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = http::StatusCode::UNAUTHORIZED;
            response
        }),
    ];
    for (what, first) in cases {
        let (mut client, attempts, _, _running) = scripted([first], success, unchanged).await;
        let status = within(what, client.unary(note("hi"))).await.unwrap_err();
        assert_eq!((attempts.count(), kind(&status)), (1, None), "{what}: {status:?}");
    }
}

/// Each is the response to a first attempt, which must be retried.
#[tokio::test]
async fn rejection_of_the_credentials_is_retried() {
    let full = format!("{KINDS}.Unary");
    let cases: Vec<(&str, Response<Body>)> = vec![
        ("plain", rejection()),
        ("this call", rejection_with("X", &[("service", KINDS), ("method", "Unary")])),
        ("this service", rejection_with("X", &[("service", KINDS)])),
        (
            "as Google names it",
            rejection_with("X", &[("service", "kinds.example"), ("method", &full)]),
        ),
        ("expired", rejection_with("ACCESS_TOKEN_EXPIRED", &[])),
        ("invalid", rejection_with("JWT_TOKEN_INVALID", &[])),
        ("an invalid key", rejection_with("API_KEY_INVALID", &[])),
        ("no details", with_header(rejection(), "grpc-status-details-bin", "")),
        ("at once", with_header(rejection(), "grpc-retry-pushback-ms", "0")),
    ];
    for (what, first) in cases {
        let (mut client, attempts, _, _running) = scripted([first], success, unchanged).await;
        within(what, client.unary(note("hi"))).await.unwrap();
        assert_eq!(attempts.tokens(), ["Bearer token-1", "Bearer token-2"], "{what}");
    }
}

#[tokio::test]
async fn details_that_are_not_base64_are_not_retried() {
    let broken = with_header(rejection(), "grpc-status-details-bin", "!");
    let (mut client, attempts, _, _running) = scripted([broken], success, unchanged).await;
    // tonic panics on them, with this layer and without.
    let called = tokio::spawn(async move { client.unary(note("hi")).await });
    assert!(!matches!(within("the call", called).await, Ok(Ok(_))));
    assert_eq!(attempts.count(), 1);
}

#[tokio::test]
async fn strict_retries_require_a_rejection_that_names_the_call() {
    let (mut client, attempts, _, _running) =
        scripted([rejection()], success, CallCredentials::strict_retries).await;
    let status = client.unary(note("hi")).await.unwrap_err();
    assert_eq!((attempts.count(), kind(&status)), (1, None));

    let half = rejection_with("X", &[("service", KINDS)]);
    let (mut client, attempts, _, _running) =
        scripted([half], success, CallCredentials::strict_retries).await;
    client.unary(note("hi")).await.unwrap_err();
    assert_eq!(attempts.count(), 1);

    let named = rejection_with("X", &[("service", KINDS), ("method", "Unary")]);
    let (mut client, attempts, _, _running) =
        scripted([named], success, CallCredentials::strict_retries).await;
    client.unary(note("hi")).await.unwrap();
    assert_eq!(attempts.count(), 2);

    // A guard names the call.
    let server = Guarded::start().await;
    let credentials = CallCredentials::bearer(server.source()).strict_retries();
    let mut client = server.client(&credentials);
    client.unary(note("hi")).await.unwrap();
    server.issuer.revoke_all();
    client.unary(note("hi")).await.unwrap();
    assert_eq!(server.attempts.count(), 3);
}

#[tokio::test]
async fn permission_denied_by_a_handler_is_not_retried() {
    let server = Guarded::start().await;
    let source = server.source();
    let mut client = server.client(&CallCredentials::bearer(source.clone()));
    let status = client.unary(note("denied")).await.unwrap_err();
    assert_eq!((status.code(), kind(&status)), (Code::PermissionDenied, None));
    assert_eq!((server.attempts.count(), source.fetches()), (1, 1));
}

#[tokio::test]
async fn rejection_after_the_first_message_is_not_retried() {
    let server = Guarded::start().await;
    let source = server.source();
    let mut client = server.client(&CallCredentials::bearer(source.clone()));
    let mut notes = client.down(note("then reject")).await.unwrap().into_inner();
    assert!(notes.next().await.unwrap().is_ok());
    let status = notes.next().await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!((server.attempts.count(), source.fetches()), (1, 1));
}

/// An open service that calls another server with a revoked token and passes on its status.
struct Front {
    back: Client,
    calls: Attempts2,
}

type Attempts2 = std::sync::Arc<std::sync::atomic::AtomicUsize>;
type Notes = tokio_stream::Empty<Result<Note, Status>>;

#[tonic::async_trait]
impl Kinds for Front {
    async fn unary(&self, request: Request<Note>) -> Result<GrpcResponse<Note>, Status> {
        self.calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let notes = tokio_stream::iter([request.into_inner()]);
        self.back.clone().up(notes).await
    }

    type DownStream = Notes;

    async fn down(&self, _: Request<Note>) -> Result<GrpcResponse<Notes>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn up(&self, _: Request<Streaming<Note>>) -> Result<GrpcResponse<Note>, Status> {
        Err(Status::unimplemented(""))
    }

    type BothStream = Notes;

    async fn both(&self, _: Request<Streaming<Note>>) -> Result<GrpcResponse<Notes>, Status> {
        Err(Status::unimplemented(""))
    }
}

#[tokio::test]
async fn rejection_passed_on_by_a_handler_is_not_retried() {
    let back = Guarded::start().await;
    let fixed = CallCredentials::bearer(tonic_guard::client::Token::new("revoked"));
    let calls = Attempts2::default();
    let front = Front { back: back.client(&fixed), calls: calls.clone() };
    let running = Running::start(Server::builder().add_service(KindsServer::new(front))).await;

    let source = Source::new(&std::sync::Arc::default());
    let mut client = client(running.endpoint(), &CallCredentials::bearer(source.clone()));
    let status = within("the call", client.unary(note("hi"))).await.unwrap_err();
    assert_eq!((status.code(), kind(&status)), (Code::Unauthenticated, None));
    assert_eq!(calls.load(std::sync::atomic::Ordering::SeqCst), 1);
    assert_eq!((back.attempts.count(), source.fetches()), (1, 1));
}

#[tokio::test]
async fn call_without_retry_is_rejected_and_the_next_has_a_new_token() {
    let server = Guarded::start().await;
    let source = server.source();
    let mut client = server.client(&CallCredentials::bearer(source.clone()));
    client.unary(note("hi")).await.unwrap();
    server.issuer.revoke_all();
    let options = CallOptions::new().without_retry();
    let status = client.unary(with_options(note("hi"), options)).await.unwrap_err();
    assert_eq!((reason(&status).as_str(), kind(&status)), ("CREDENTIALS_INVALID", None));
    assert_eq!(server.attempts.count(), 2);

    client.unary(note("hi")).await.unwrap();
    let tokens = ["Bearer token-1", "Bearer token-1", "Bearer token-2"];
    assert_eq!((server.attempts.tokens(), source.fetches()), (tokens.map(Into::into).into(), 2));
}

#[tokio::test]
async fn pushback_delays_the_retry() {
    let pause = with_header(rejection(), "grpc-retry-pushback-ms", "300");
    let (mut client, attempts, _, _running) = scripted([pause], success, unchanged).await;
    let begin = Instant::now();
    within("the call", client.unary(note("hi"))).await.unwrap();
    assert_eq!(attempts.count(), 2);
    assert!(begin.elapsed() >= Duration::from_millis(300), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn token_that_expires_during_the_pushback_is_not_sent() {
    let pause = with_header(rejection(), "grpc-retry-pushback-ms", "1500");
    let (running, attempts) = Scripted::start([pause], success).await;
    let source = Source::new(&std::sync::Arc::default()).life(Duration::from_secs(1));
    let mut client = client(running.endpoint(), &CallCredentials::bearer(source));
    within("the call", client.unary(note("hi"))).await.unwrap();
    assert_eq!(attempts.tokens(), ["Bearer token-1", "Bearer token-3"]);
}

#[tokio::test]
async fn pushback_beyond_the_deadline_ends_the_call_at_once() {
    let pause = with_header(rejection(), "grpc-retry-pushback-ms", "60000");
    let (mut client, attempts, _, _running) = scripted([pause], success, unchanged).await;
    let mut request = Request::new(note("hi"));
    request.set_timeout(Duration::from_secs(50));
    let status = within("the call", client.unary(request)).await.unwrap_err();
    assert_eq!((status.code(), kind(&status)), (Code::Unauthenticated, None));
    assert_eq!(attempts.count(), 1);
}

#[tokio::test]
async fn deadline_spans_both_attempts() {
    let pause = with_header(rejection(), "grpc-retry-pushback-ms", "200");
    let (mut client, attempts, _, _running) = scripted([pause], success, unchanged).await;
    let mut request = Request::new(note("hi"));
    request.set_timeout(Duration::from_secs(40));
    within("the call", client.unary(request)).await.unwrap();
    let timeouts = attempts.header("grpc-timeout");
    let micros: Vec<u64> = timeouts
        .iter()
        .map(|timeouts| timeouts.strip_suffix('u').unwrap().parse().unwrap())
        .collect();
    assert!(micros[0] > 39_000_000 && micros[1] <= micros[0] - 200_000, "{timeouts:?}");
}

#[tokio::test]
async fn rejection_is_passed_on_if_the_deadline_ends_before_the_retry() {
    let (mut client, attempts, source, _running) =
        scripted([success()], rejection, unchanged).await;
    client.unary(note("hi")).await.unwrap();
    source.hold();
    let mut request = Request::new(note("hi"));
    request.set_timeout(Duration::from_millis(250));
    let status = within("the call", client.unary(request)).await.unwrap_err();
    assert_eq!((status.code(), kind(&status)), (Code::Unauthenticated, None));
    assert_eq!(attempts.count(), 2);
}

#[tokio::test]
async fn earlier_attempts_are_added_to_the_count() {
    let (mut client, attempts, _, _running) = scripted([rejection()], success, unchanged).await;
    let request =
        tonic_guard_suite_support::request(note("hi"), &[("grpc-previous-rpc-attempts", "2")]);
    client.unary(request).await.unwrap();
    assert_eq!(attempts.header("grpc-previous-rpc-attempts"), ["2", "3"]);
}
