//! The event of each decision, as an operator's log shows it.

use tonic::{Request, Response, Status, transport::Server};
use tonic_guard::{
    AuthError, Authenticate, BoxAuthenticator, CallHead, authenticated, guard, in_process,
    scheme::{Bearer, BearerToken},
};
use tonic_guard_tests::{
    Caller, Keys, Log, Running, Tokens, User,
    pb::{
        Note,
        extra_server::{Extra, ExtraServer},
    },
    within,
};

use crate::support::service::{
    ACME, ADA, ADAS_PASSWORD, EVE, at_the_front_door, at_the_methods_door, call, call_get_url, says,
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

    async fn own(&self, _: &Option<Caller>, head: &CallHead<'_>) -> Result<(), Status> {
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

    #[authenticated(scheme = optional(one_of("bearer", "api-key")), authorize = Self::own)]
    async fn get_url(
        &self,
        _: Request<Note>,
        #[identity] _caller: Option<Caller>,
    ) -> Result<Response<Note>, Status> {
        says("")
    }
}

#[track_caller]
fn one(lines: Vec<String>, parts: &[&str]) {
    let [line] = &*lines else { panic!("not one event: {lines:#?}") };
    for part in parts {
        assert!(line.contains(part), "{part} isn't in {line}");
    }
}

const AT_FRONT: [&str; 2] = ["service=\"guard.test.v1.Extra\"", "method=\"Unary\""];

#[tokio::test]
async fn each_decision_at_the_front_door_is_one_event() {
    let (log, _guard) = Log::of_thread();
    let server = at_the_front_door(Service::new()).await;
    log.take_lines();
    call(&server, &[ADA]).await.unwrap();
    one(
        log.take_lines(),
        &["DEBUG", AT_FRONT[0], AT_FRONT[1], "scheme=\"bearer\"", "outcome=\"admitted\""],
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
        assert!(within("a refused call", call(&server, headers)).await.is_err());
        let why = format!("reason=\"{why}\"");
        let parts = [level, AT_FRONT[0], AT_FRONT[1], "scheme=\"bearer\"", "outcome=\"rejected\""];
        one(log.take_lines(), &[&parts[..], &[&why, cause]].concat());
    }
}

#[tokio::test]
async fn each_decision_at_the_methods_door_is_one_event_without_a_service() {
    let (log, _guard) = Log::of_thread();
    let server = at_the_methods_door(Service::new()).await;
    call(&server, &[ADA]).await.unwrap();
    let lines = log.take_lines();
    assert!(!lines[0].contains("service="), "{lines:?}");
    one(lines, &["DEBUG", "method=\"unary\"", "scheme=\"bearer\"", "outcome=\"admitted\""]);
    assert!(call(&server, &[]).await.is_err());
    let lines = log.take_lines();
    assert!(!lines[0].contains("service="), "{lines:?}");
    one(lines, &["INFO", "method=\"unary\"", "outcome=\"rejected\"", "CREDENTIALS_MISSING"]);
}

#[tokio::test]
async fn who_let_a_caller_in_is_told() {
    let (log, _guard) = Log::of_thread();
    let server = at_the_front_door(Service::new()).await;
    log.take_lines();
    call_get_url(&server, &[]).await.unwrap();
    one(log.take_lines(), &["method=\"GetURL\"", "outcome=\"anonymous\""]);
    call_get_url(&server, &[ACME]).await.unwrap();
    one(log.take_lines(), &["scheme=\"api-key\"", "outcome=\"admitted\""]);
    assert!(call_get_url(&server, &[ACME, ADA]).await.is_err());
    one(log.take_lines(), &["scheme=\"bearer, api-key\"", "OVERLOADED_CREDENTIALS"]);
    assert!(call_get_url(&server, &[("x-stop", "1")]).await.is_err());
    one(log.take_lines(), &["outcome=\"rejected\"", "reason=\"Some resource has been exhausted\""]);

    let mut request = Request::new(Note::default());
    in_process::call_as(User { name: "ada".into(), scopes: "write" }, &mut request);
    Service::new().unary(request).await.unwrap();
    one(log.take_lines(), &["method=\"unary\"", "outcome=\"called in process\""]);
    let mut request = Request::new(Note::default());
    in_process::call_as("nobody", &mut request);
    assert!(Service::new().unary(request).await.is_err());
    one(
        log.take_lines(),
        &["ERROR", "INTERNAL", "cause=the identity of `in_process::call_as` has a type"],
    );
}

/// Lets everyone in.
struct Off;

impl Authenticate<Bearer> for Off {
    type Identity = User;

    async fn authenticate(&self, _: BearerToken) -> Result<User, AuthError> {
        Err(AuthError::invalid())
    }

    fn bypass(&self) -> Option<User> {
        Some(User { name: "dev".into(), scopes: "write" })
    }
}

#[tokio::test]
async fn a_bypass_is_warned_of_at_start_and_told_of_each_call() {
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
    one(log.take_lines(), &[AT_FRONT[1], "outcome=\"bypassed\""]);
}

#[tokio::test]
async fn no_event_holds_a_credential() {
    let (log, _guard) = Log::of_thread();
    for server in
        [at_the_front_door(Service::new()).await, at_the_methods_door(Service::new()).await]
    {
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
async fn what_isnt_a_methods_call_is_an_event_too() {
    let (log, _guard) = Log::of_thread();
    let server = at_the_front_door(Service::new()).await;
    log.take_lines();
    let mut h2 = crate::support::raw::H2::connect(&server).await;
    let path = "/guard.test.v1.Extra/Nothing";
    h2.send(h2.request(path, &[], crate::support::raw::one_note())).await.unwrap();
    one(
        log.take_lines(),
        &["DEBUG", AT_FRONT[0], "outcome=\"rejected\"", "reason=\"UNIMPLEMENTED\""],
    );
}
