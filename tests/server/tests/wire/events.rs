//! The event of each decision, as an operator's log shows it.

use tonic::{Request, Response, Status, transport::Server};
use tonic_guard::{
    AuthError, Authenticate, Authenticated, BoxAuthenticator, CallHead, authenticated, guard,
    in_process,
    scheme::{Bearer, BearerToken},
};
use tonic_guard_suite_support::{
    Caller, Keys, Log, Running, Tokens, User,
    pb::{
        Note,
        extra_server::{Extra, ExtraServer},
    },
    within,
};

use crate::support::service::{
    ACME, ADA, ADAS_PASSWORD, EVE, call, call_get_url, says, serve_guarded, serve_without_guard,
};

#[derive(Authenticate)]
struct Service {
    #[verifies("bearer")]
    tokens: BoxAuthenticator<Bearer, User>,
    #[verifies("api-key")]
    keys: Keys,
}

impl Service {
    fn new() -> Self {
        Service { tokens: BoxAuthenticator::new(Tokens), keys: Keys::default() }
    }

    async fn within_quota(&self, _: &Option<Caller>, head: &CallHead<'_>) -> Result<(), Status> {
        match head.headers().contains_key("x-stop") {
            true => Err(Status::resource_exhausted("the caller's quota")),
            false => Ok(()),
        }
    }
}

#[authenticated]
#[tonic::async_trait]
impl Extra for Service {
    #[authenticated(scheme = "bearer", scopes("write"))]
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("")
    }

    #[authenticated(scheme = optional(one_of("bearer", "api-key")), authorize = Self::within_quota)]
    async fn get_url(
        &self,
        _: Request<Note>,
        #[identity] _caller: Option<Caller>,
    ) -> Result<Response<Note>, Status> {
        says("")
    }
}

#[track_caller]
fn assert_one_event(lines: Vec<String>, parts: &[&str]) {
    let [line] = &*lines else { panic!("not one event: {lines:#?}") };
    for part in parts {
        assert!(line.contains(part), "{part} isn't in {line}");
    }
}

const GUARD_FIELDS: [&str; 2] = ["service=\"guard.test.v1.Extra\"", "method=\"Unary\""];

#[tokio::test]
async fn each_decision_of_the_guard_is_one_event() {
    let (log, _guard) = Log::of_thread();
    let server = serve_guarded(Service::new()).await;
    log.take_lines();
    call(&server, &[ADA]).await.unwrap();
    assert_one_event(
        log.take_lines(),
        &["DEBUG", GUARD_FIELDS[0], GUARD_FIELDS[1], "scheme=\"bearer\"", "outcome=\"admitted\""],
    );
    for (headers, level, why, cause) in [
        (&[][..], "INFO", "CREDENTIALS_MISSING", ""),
        (&[ADA, ADA], "INFO", "OVERLOADED_CREDENTIALS", ""),
        (&[ADAS_PASSWORD], "INFO", "CREDENTIAL_TYPE_UNSUPPORTED", ""),
        (&[("authorization", "Bearer")], "INFO", "CREDENTIALS_MALFORMED", ""),
        (&[("authorization", "Bearer x")], "INFO", "CREDENTIALS_INVALID", "cause=no such token"),
        (&[("authorization", "Bearer old-token")], "INFO", "ACCESS_TOKEN_EXPIRED", ""),
        (&[EVE], "INFO", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", ""),
        (
            &[("authorization", "Bearer down")],
            "ERROR",
            "AUTHENTICATOR_UNAVAILABLE",
            "cause=the directory is out of reach",
        ),
        (
            &[("authorization", "Bearer hang")],
            "ERROR",
            "AUTHENTICATOR_UNAVAILABLE",
            "cause=no answer within 200ms",
        ),
        (&[("authorization", "Bearer panic")], "ERROR", "INTERNAL", "cause=a check panicked"),
    ] {
        assert!(within("a rejected call", call(&server, headers)).await.is_err());
        let why = format!("reason=\"{why}\"");
        let parts =
            [level, GUARD_FIELDS[0], GUARD_FIELDS[1], "scheme=\"bearer\"", "outcome=\"rejected\""];
        assert_one_event(log.take_lines(), &[&parts[..], &[&why, cause]].concat());
    }
}

#[tokio::test]
async fn each_decision_of_the_handler_check_is_one_event_without_a_service() {
    let (log, _guard) = Log::of_thread();
    let server = serve_without_guard(Service::new()).await;
    call(&server, &[ADA]).await.unwrap();
    let lines = log.take_lines();
    assert!(!lines[0].contains("service="), "{lines:?}");
    assert_one_event(
        lines,
        &["DEBUG", "method=\"unary\"", "scheme=\"bearer\"", "outcome=\"admitted\""],
    );
    assert!(call(&server, &[]).await.is_err());
    let lines = log.take_lines();
    assert!(!lines[0].contains("service="), "{lines:?}");
    assert_one_event(
        lines,
        &["INFO", "method=\"unary\"", "outcome=\"rejected\"", "CREDENTIALS_MISSING"],
    );
}

#[tokio::test]
async fn event_names_the_scheme_that_decided() {
    let (log, _guard) = Log::of_thread();
    let server = serve_guarded(Service::new()).await;
    log.take_lines();
    call_get_url(&server, &[]).await.unwrap();
    assert_one_event(log.take_lines(), &["method=\"GetUrl\"", "outcome=\"anonymous\""]);
    call_get_url(&server, &[ACME]).await.unwrap();
    assert_one_event(log.take_lines(), &["scheme=\"api-key\"", "outcome=\"admitted\""]);
    assert!(call_get_url(&server, &[ACME, ADA]).await.is_err());
    assert_one_event(log.take_lines(), &["scheme=\"bearer, api-key\"", "OVERLOADED_CREDENTIALS"]);
    assert!(call_get_url(&server, &[("x-stop", "1")]).await.is_err());
    assert_one_event(
        log.take_lines(),
        &["outcome=\"rejected\"", "reason=\"Some resource has been exhausted\""],
    );

    let mut request = Request::new(Note::default());
    in_process::call_as(User { name: "ada".into(), scopes: "write" }, &mut request);
    Service::new().unary(request).await.unwrap();
    assert_one_event(log.take_lines(), &["method=\"unary\"", "outcome=\"called in process\""]);
    let mut request = Request::new(Note::default());
    in_process::call_as("nobody", &mut request);
    assert!(Service::new().unary(request).await.is_err());
    assert_one_event(
        log.take_lines(),
        &["ERROR", "INTERNAL", "cause=the identity of `in_process::call_as` has a type"],
    );
}

/// Admits every caller by its bypass.
struct Off;

impl Authenticate<Bearer> for Off {
    type Identity = User;

    async fn authenticate(&self, _: BearerToken) -> Result<Authenticated<User>, AuthError> {
        Err(AuthError::invalid())
    }

    fn bypass(&self) -> Option<User> {
        Some(User { name: "dev".into(), scopes: "write" })
    }
}

#[tokio::test]
async fn bypass_is_warned_about_at_start_and_logged_per_call() {
    let (log, _guard) = Log::of_thread();
    let service = Service { tokens: BoxAuthenticator::new(Off), keys: Keys::default() };
    let guard = guard(service, ExtraServer::from_arc);
    let lines = log.take_lines();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    for line in &lines {
        assert!(line.contains("WARN") && line.contains("authentication is off"), "{line}");
        assert!(line.contains("scheme=\"bearer\""), "{line}");
    }
    let server = Running::start(Server::builder().add_service(guard)).await;
    log.take_lines();
    call(&server, &[]).await.unwrap();
    assert_one_event(log.take_lines(), &[GUARD_FIELDS[1], "outcome=\"bypassed\""]);
}

#[tokio::test]
async fn events_hold_no_credentials() {
    let (log, _guard) = Log::of_thread();
    for server in [serve_guarded(Service::new()).await, serve_without_guard(Service::new()).await] {
        for headers in [
            &[ADA][..],
            &[ADA, ADA],
            &[EVE],
            &[ADA, ACME],
            &[ADAS_PASSWORD],
            &[("authorization", "Bearer old-token")],
            &[("authorization", "Bearer s3cret!"), ("x-api-key", "s3cret!")],
            &[("authorization", "s3cret!")],
            &[("authorization", "Bearer s3cret a")],
            &[("x-api-key", "s3cret a")],
        ] {
            let _ = call(&server, headers).await;
            let _ = call_get_url(&server, headers).await;
        }
    }
    let lines = log.take_lines().join("\n");
    assert!(lines.lines().count() >= 40, "{lines}");
    for secret in ["ada-token", "eve-token", "old-token", "key-1", "YWRh", "pa:ss", "s3cret"] {
        assert!(!lines.contains(secret), "{secret} in {lines}");
    }
}

#[tokio::test]
async fn call_of_an_unknown_method_is_an_event() {
    let (log, _guard) = Log::of_thread();
    let server = serve_guarded(Service::new()).await;
    log.take_lines();
    let mut h2 = crate::support::raw::H2::connect(&server).await;
    let path = "/guard.test.v1.Extra/Nothing";
    h2.send(h2.request(path, &[], crate::support::raw::one_note())).await.unwrap();
    assert_one_event(
        log.take_lines(),
        &["DEBUG", GUARD_FIELDS[0], "outcome=\"rejected\"", "reason=\"UNIMPLEMENTED\""],
    );
}
